#include "metrics/ssim_gradient.h"

#include <algorithm>
#include <vector>

#include "common/memory.h"

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

// One channel of two pictures and what is made of them, planes of height x width numbers.
template <class Real>
class Channel {
 public:
  Channel(size_t height, size_t width, const Parallel& parallel)
      : height_(height), width_(width), parallel_(parallel), memory_(kPlanes * height * width) {}

  // The sum of S over all pixels.
  double similarity(const Real* picture, const Real* target, size_t step) {
    for_rows(height_, parallel_, [&](size_t y) { take_row(picture, target, step, y); });
    for (const Plane plane : {kX, kY, kXX, kYY, kXY}) blur(plane, mean_of(plane));
    std::vector<double> sums(height_);
    for_rows(height_, parallel_, [&](size_t y) { sums[y] = differentiate_row(y); });
    double sum = 0;
    for (const double value : sums) sum += value;
    return sum;
  }

  // The gradient of the sum times `scale`, after similarity().
  void differentiate(double scale, Real* gradient, size_t step) {
    for (const Plane plane : {kByMean, kBySquare, kByProduct}) blur(plane, plane);
    const Real factor = static_cast<Real>(scale);
    for_rows(height_, parallel_, [&](size_t y) {
      const Real *x = row(kX, y), *t = row(kY, y), *a = row(kByMean, y), *b = row(kBySquare, y),
                 *c = row(kByProduct, y);
      Real* out = gradient + y * width_ * step;
      for (size_t i = 0; i < width_; ++i) out[i * step] = factor * (a[i] + 2 * x[i] * b[i] + t[i] * c[i]);
    });
  }

 private:
  // The derivatives lie where squares and product were; `kRowMeans` is what lies between the two passes of a window.
  enum Plane { kX, kY, kXX, kYY, kXY, kMeanX, kMeanY, kRowMeans, kPlanes };
  static constexpr Plane kByMean = kMeanX, kBySquare = kXX, kByProduct = kXY;

  static Plane mean_of(Plane plane) { return plane == kX ? kMeanX : plane == kY ? kMeanY : plane; }
  Real* row(Plane plane, size_t y) { return memory_.data() + (plane * height_ + y) * width_; }

  void take_row(const Real* picture, const Real* target, size_t step, size_t y) {
    const Real *from = picture + y * width_ * step, *other = target + y * width_ * step;
    Real *x = row(kX, y), *t = row(kY, y), *xx = row(kXX, y), *tt = row(kYY, y), *xt = row(kXY, y);
    for (size_t i = 0; i < width_; ++i) {
      x[i] = from[i * step];
      t[i] = other[i * step];
      xx[i] = x[i] * x[i];
      tt[i] = t[i] * t[i];
      xt[i] = x[i] * t[i];
    }
  }

  // Window means, along the rows and then down the columns. The window is symmetric, so that this is its own adjoint.
  void blur(Plane from, Plane to) {
    for_rows(height_, parallel_, [&](size_t y) { blur_along(row(from, y), row(kRowMeans, y)); });
    for_rows(height_, parallel_, [&](size_t y) { blur_down(y, row(to, y)); });
  }

  void blur_along(const Real* __restrict in, Real* __restrict out) const {
    const size_t first = std::min(kReach, width_), end = std::max(first, width_ - std::min(kReach, width_));
    const auto at_border = [&](size_t i) {
      double sum = kWindow[0] * in[i];
      for (size_t k = 1; k <= kReach; ++k) {
        sum += kWindow[k] * ((i >= k ? in[i - k] : Real{0}) + (i + k < width_ ? in[i + k] : Real{0}));
      }
      out[i] = static_cast<Real>(sum);
    };
    for (size_t i = 0; i < first; ++i) at_border(i);
    for (size_t i = first; i < end; ++i) {
      Real sum = static_cast<Real>(kWindow[0]) * in[i];
      for (size_t k = 1; k <= kReach; ++k) sum += static_cast<Real>(kWindow[k]) * (in[i - k] + in[i + k]);
      out[i] = sum;
    }
    for (size_t i = end; i < width_; ++i) at_border(i);
  }

  void blur_down(size_t y, Real* __restrict out) {
    const Real* middle = row(kRowMeans, y);
    for (size_t i = 0; i < width_; ++i) out[i] = static_cast<Real>(kWindow[0]) * middle[i];
    for (size_t k = 1; k <= kReach; ++k) {
      const Real weight = static_cast<Real>(kWindow[k]);
      if (y >= k) add_row(weight, row(kRowMeans, y - k), out);
      if (y + k < height_) add_row(weight, row(kRowMeans, y + k), out);
    }
  }
  void add_row(Real weight, const Real* __restrict in, Real* __restrict out) const {
    for (size_t i = 0; i < width_; ++i) out[i] += weight * in[i];
  }

  // S = A1 A2 / (B1 B2) of a row and its derivatives by the window means of x, x^2 and x y.
  double differentiate_row(size_t y) {
    Real *by_mean = row(kByMean, y), *by_square = row(kBySquare, y), *by_product = row(kByProduct, y);
    const Real *mean = row(kMeanY, y), *power = row(kYY, y);
    constexpr Real c1 = static_cast<Real>(kC1), c2 = static_cast<Real>(kC2);
    double sum = 0;
    for (size_t i = 0; i < width_; ++i) {
      const Real p = by_mean[i], q = mean[i], product = p * q, squares = p * p + q * q;
      const Real a1 = 2 * product + c1, a2 = 2 * (by_product[i] - product) + c2;
      const Real b1 = squares + c1, b2 = by_square[i] + power[i] - squares + c2;
      const Real scale = 1 / (b1 * b2), s = a1 * a2 * scale;
      by_mean[i] = 2 * (q * (a2 - a1) * scale + p * s * (1 / b2 - 1 / b1));
      by_square[i] = -s / b2;
      by_product[i] = 2 * a1 * scale;
      sum += s;
    }
    return sum;
  }

  const size_t height_, width_;
  const Parallel& parallel_;
  Buffer<Real> memory_;
};

}  // namespace

template <class Real>
double ssim_gradient(const Real* picture, const Real* target, size_t height, size_t width, size_t channels,
                     Real* gradient, const Parallel& parallel) {
  const double samples = static_cast<double>(height) * static_cast<double>(width) * static_cast<double>(channels);
  Channel<Real> channel(height, width, parallel);
  double sum = 0;
  for (size_t c = 0; c < channels; ++c) {
    sum += channel.similarity(picture + c, target + c, channels);
    channel.differentiate(1 / samples, gradient + c, channels);
  }
  return sum / samples;
}

template double ssim_gradient(const float*, const float*, size_t, size_t, size_t, float*, const Parallel&);
template double ssim_gradient(const double*, const double*, size_t, size_t, size_t, double*, const Parallel&);

}  // namespace smartsplat
