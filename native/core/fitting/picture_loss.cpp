#include "fitting/picture_loss.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <vector>

#include "common/memory.h"
#include "fitting/ssim_blocks.h"
#include "rendering/kernels/table.h"

namespace smartsplat {
namespace {

constexpr size_t kReach = 5;
// Gaussian of sigma 1.5, from the middle to the rim.
constexpr double kWindow[kReach + 1] = {0.26601172486179436, 0.2130055377112537,   0.10936068950970002,
                                        0.03600077212843083, 0.007598758135239185, 0.00102838008447911};
constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;
constexpr size_t kRows = 16;  // that a thread takes at a time

template <class Body>
void for_rows(size_t rows, const Parallel& parallel, Body body) {
  parallel.for_each((rows + kRows - 1) / kRows, [&](size_t part) {
    for (size_t y = part * kRows; y < std::min(rows, (part + 1) * kRows); ++y) body(y);
  });
}

// One channel of two pictures and what is made of them, planes of height x width numbers, in plain code.
class Channel {
 public:
  Channel(const LossPictures<double>& pictures, bool clamped, const Parallel& parallel)
      : pictures_(pictures),
        clamped_(clamped),
        height_(pictures.height),
        width_(pictures.width),
        parallel_(parallel),
        memory_(kPlanes * pictures.height * pictures.width) {}

  // The sum of S over all pixels.
  double similarity(size_t channel) {
    for_rows(height_, parallel_, [&](size_t y) { take_row(channel, y); });
    for (const Plane plane : {kX, kY, kXX, kYY, kXY}) blur(plane, mean_of(plane));
    std::vector<double> sums(height_);
    for_rows(height_, parallel_, [&](size_t y) { sums[y] = differentiate_row(y); });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

  // The gradient, after similarity(); returns the sum of the absolute differences.
  double differentiate(size_t channel, const SsimTerms& scales) {
    for (const Plane plane : {kByMean, kBySquare, kByProduct}) blur(plane, plane);
    std::vector<double> sums(height_);
    for_rows(height_, parallel_, [&](size_t y) { sums[y] = put_row(channel, scales, y); });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

 private:
  // The derivatives lie where squares and product were; `kRowMeans` is what lies between the two passes of a window.
  enum Plane { kX, kY, kXX, kYY, kXY, kMeanX, kMeanY, kRowMeans, kPlanes };
  static constexpr Plane kByMean = kMeanX, kBySquare = kXX, kByProduct = kXY;

  static Plane mean_of(Plane plane) { return plane == kX ? kMeanX : plane == kY ? kMeanY : plane; }
  double* row(Plane plane, size_t y) { return memory_.data() + (plane * height_ + y) * width_; }

  size_t sample(size_t channel, size_t y, size_t x) const { return (y * width_ + x) * pictures_.channels + channel; }

  void take_row(size_t channel, size_t y) {
    double *x = row(kX, y), *t = row(kY, y), *xx = row(kXX, y), *tt = row(kYY, y), *xt = row(kXY, y);
    for (size_t i = 0; i < width_; ++i) {
      const double value = pictures_.picture[sample(channel, y, i)];
      x[i] = clamped_ ? std::clamp(value, 0.0, 1.0) : value;
      t[i] = pictures_.target[sample(channel, y, i)];
      xx[i] = x[i] * x[i];
      tt[i] = t[i] * t[i];
      xt[i] = x[i] * t[i];
    }
  }

  double put_row(size_t channel, const SsimTerms& scales, size_t y) {
    const double *x = row(kX, y), *t = row(kY, y), *a = row(kByMean, y), *b = row(kBySquare, y),
                 *c = row(kByProduct, y);
    double absolute = 0;
    for (size_t i = 0; i < width_; ++i) {
      const size_t at = sample(channel, y, i);
      const double d = x[i] - t[i], sign = static_cast<double>(d > 0) - static_cast<double>(d < 0);
      const double slope = scales.ssim * (a[i] + 2 * x[i] * b[i] + t[i] * c[i]) + scales.absolute * sign;
      pictures_.gradient[at] = x[i] == pictures_.picture[at] ? slope : 0;  // nothing where it was clamped
      absolute += std::abs(d);
    }
    return absolute;
  }

  // Window means, along the rows and then down the columns. The window is symmetric, so that this is its own adjoint.
  void blur(Plane from, Plane to) {
    for_rows(height_, parallel_, [&](size_t y) { blur_along(row(from, y), row(kRowMeans, y)); });
    for_rows(height_, parallel_, [&](size_t y) { blur_down(y, row(to, y)); });
  }

  void blur_along(const double* __restrict in, double* __restrict out) const {
    const size_t first = std::min(kReach, width_), end = std::max(first, width_ - std::min(kReach, width_));
    const auto at_border = [&](size_t i) {
      double sum = kWindow[0] * in[i];
      for (size_t k = 1; k <= kReach; ++k) {
        sum += kWindow[k] * ((i >= k ? in[i - k] : 0.0) + (i + k < width_ ? in[i + k] : 0.0));
      }
      out[i] = sum;
    };
    for (size_t i = 0; i < first; ++i) at_border(i);
    for (size_t i = first; i < end; ++i) {
      double sum = kWindow[0] * in[i];
      for (size_t k = 1; k <= kReach; ++k) sum += kWindow[k] * (in[i - k] + in[i + k]);
      out[i] = sum;
    }
    for (size_t i = end; i < width_; ++i) at_border(i);
  }

  void blur_down(size_t y, double* __restrict out) {
    const double* middle = row(kRowMeans, y);
    for (size_t i = 0; i < width_; ++i) out[i] = kWindow[0] * middle[i];
    for (size_t k = 1; k <= kReach; ++k) {
      const double weight = kWindow[k];
      if (y >= k) add_row(weight, row(kRowMeans, y - k), out);
      if (y + k < height_) add_row(weight, row(kRowMeans, y + k), out);
    }
  }
  void add_row(double weight, const double* __restrict in, double* __restrict out) const {
    for (size_t i = 0; i < width_; ++i) out[i] += weight * in[i];
  }

  // S = A1 A2 / (B1 B2) of a row and its derivatives by the window means of x, x^2 and x y.
  double differentiate_row(size_t y) {
    double *by_mean = row(kByMean, y), *by_square = row(kBySquare, y), *by_product = row(kByProduct, y);
    const double *mean = row(kMeanY, y), *power = row(kYY, y);
    double sum = 0;
    for (size_t i = 0; i < width_; ++i) {
      const double p = by_mean[i], q = mean[i], product = p * q, squares = p * p + q * q;
      const double a1 = 2 * product + kC1, a2 = 2 * (by_product[i] - product) + kC2;
      const double b1 = squares + kC1, b2 = by_square[i] + power[i] - squares + kC2;
      const double scale = 1 / (b1 * b2), s = a1 * a2 * scale;
      by_mean[i] = 2 * (q * (a2 - a1) * scale + p * s * (1 / b2 - 1 / b1));
      by_square[i] = -s / b2;
      by_product[i] = 2 * a1 * scale;
      sum += s;
    }
    return sum;
  }

  const LossPictures<double>& pictures_;
  const bool clamped_;
  const size_t height_, width_;
  const Parallel& parallel_;
  Buffer<double> memory_;
};

SsimTerms similarity_loss_of_doubles(const LossPictures<double>& p, const SsimTerms& scales, bool clamped,
                                     const Parallel& parallel) {
  Channel channel(p, clamped, parallel);
  SsimTerms total{};
  for (size_t c = 0; c < p.channels; ++c) {
    total.ssim += channel.similarity(c);
    total.absolute += channel.differentiate(c, scales);
  }
  return total;
}

SsimTerms similarity_loss_of_floats(const LossPictures<float>& p, const SsimTerms& scales, bool clamped,
                                    const Parallel& parallel) {
  const int width = static_cast<int>(p.width), height = static_cast<int>(p.height);
  const int channels = static_cast<int>(p.channels);
  const SsimPictures pictures{p.picture, p.target, p.gradient, width, height, channels, clamped};
  const std::vector<SsimBlock> blocks = ssim_blocks(width, 0, height, channels);
  std::vector<SsimTerms> terms(blocks.size());
  parallel.for_each(blocks.size(),
                    [&](size_t i) { terms[i] = kernels().picture_loss(pictures, blocks[i], scales, ssim_scratch()); });
  SsimTerms total{};
  for (const SsimTerms& term : terms) {
    total.absolute += term.absolute;
    total.ssim += term.ssim;
  }
  return total;
}

// Sum of the squared differences of some samples, whose gradient is `scale` times the differences.
template <class Real>
double squared_differences(const Real* picture, const Real* target, size_t count, Real low, Real high, Real scale,
                           Real* gradient) {
  constexpr size_t kLanes = 16, kFlush = 256;  // sums side by side, and so many samples of each until they are doubles
  double total = 0;
  for (size_t first = 0; first < count; first += kLanes * kFlush) {
    const size_t end = std::min(count, first + kLanes * kFlush);
    Real sums[kLanes] = {};
    const auto sample = [&](size_t i, size_t lane) {
      const Real x = picture[i], d = std::min(std::max(x, low), high) - target[i];
      sums[lane] += d * d;
      gradient[i] = x >= low && x <= high ? scale * d : Real{0};
    };
    size_t i = first;
    for (; i + kLanes <= end; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) sample(i + lane, lane);
    }
    for (; i < end; ++i) sample(i, 0);
    for (const Real sum : sums) total += static_cast<double>(sum);
  }
  return total;
}

}  // namespace

template <class Real>
SsimTerms similarity_loss(const LossPictures<Real>& p, const SsimTerms& weights, bool clamped,
                          const Parallel& parallel) {
  const double samples = static_cast<double>(p.height * p.width * p.channels);
  const SsimTerms scales{weights.absolute / samples, weights.ssim / samples};
  SsimTerms total;
  if constexpr (std::is_same_v<Real, float>) {
    total = similarity_loss_of_floats(p, scales, clamped, parallel);
  } else {
    total = similarity_loss_of_doubles(p, scales, clamped, parallel);
  }
  return {total.absolute / samples, total.ssim / samples};
}

template <class Real>
double squared_loss(const LossPictures<Real>& p, Real low, Real high, const Parallel& parallel) {
  const size_t row = p.width * p.channels, samples = p.height * row;
  const Real scale = static_cast<Real>(2 / static_cast<double>(samples));
  std::vector<double> sums((p.height + kRows - 1) / kRows);
  parallel.for_each(sums.size(), [&](size_t part) {
    const size_t first = part * kRows * row, count = std::min(samples - first, kRows * row);
    sums[part] = squared_differences(p.picture + first, p.target + first, count, low, high, scale, p.gradient + first);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(samples);
}

template SsimTerms similarity_loss(const LossPictures<float>&, const SsimTerms&, bool, const Parallel&);
template SsimTerms similarity_loss(const LossPictures<double>&, const SsimTerms&, bool, const Parallel&);
template double squared_loss(const LossPictures<float>&, float, float, const Parallel&);
template double squared_loss(const LossPictures<double>&, double, double, const Parallel&);

}  // namespace smartsplat
