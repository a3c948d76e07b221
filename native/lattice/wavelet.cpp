#include "lattice/wavelet.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace smartsplat {
namespace {

constexpr float kLifting[4] = {-1.586134342f, -0.05298011854f, 0.8829110762f, 0.4435068522f};
constexpr float kGain = 1.149604398f;  // of the low half, so that the basis is close to orthonormal

// L2 norms of the sums of Gaussians that one coefficient of level 1, 2, ... makes along one axis, where the spacing is
// 1: of the low band and of the high one. Further levels are as the last.
struct Norms {
  static constexpr int kLevels = 6;
  std::array<float, kLevels> low, high;

  static float at(const std::array<float, kLevels>& norms, int level) {
    return norms[static_cast<size_t>(std::clamp(level, 1, kLevels) - 1)];
  }
};
// Of Gaussians sampled at pixels that are a spacing apart, and of those sampled finely.
constexpr Norms kSampledNorms = {{1.3206f, 1.4752f, 1.5305f, 1.5461f, 1.5501f, 1.5512f}, {0.7719f, 1.1860f, 1.4450f, 1.5374f, 1.5634f, 1.5702f}};
constexpr Norms kSmoothNorms = {{1.2248f, 1.3564f, 1.4025f, 1.4154f, 1.4188f, 1.4196f}, {0.7269f, 1.1129f, 1.3331f, 1.4100f, 1.4316f, 1.4372f}};

// Vectors of `width` floats at every `stride`: what lifting along an axis sees. Along rows, width is 1.
class Lifting {
 public:
  Lifting(float* data, int count, ptrdiff_t stride, int width)
      : data_(data), count_(count), stride_(stride), width_(width) {}

  void forward(std::vector<float>& scratch) {
    if (count_ < 2) return;
    for (int step = 0; step < 4; ++step) lift(step % 2 == 0, kLifting[step]);
    scale(kGain, 1 / kGain);
    reorder(scratch, true);
  }
  void inverse(std::vector<float>& scratch) {
    if (count_ < 2) return;
    reorder(scratch, false);
    scale(1 / kGain, kGain);
    for (int step = 3; step >= 0; --step) lift(step % 2 == 0, -kLifting[step]);
  }

 private:
  float* at(int i) const { return data_ + i * stride_; }

  // Adds factor times both neighbours, mirrored at the ends, to the odd or the even ones.
  void lift(bool odd, float factor) {
    for (int i = odd ? 1 : 0; i < count_; i += 2) {
      const float* before = at(i > 0 ? i - 1 : 1);
      const float* after = at(i + 1 < count_ ? i + 1 : i - 1);
      float* here = at(i);
      for (int k = 0; k < width_; ++k) here[k] += factor * (before[k] + after[k]);
    }
  }
  void scale(float even, float odd) {
    for (int i = 0; i < count_; ++i) {
      float* here = at(i);
      for (int k = 0; k < width_; ++k) here[k] *= i % 2 == 0 ? even : odd;
    }
  }
  // The even ones before the odd ones, or back.
  void reorder(std::vector<float>& scratch, bool split) {
    const size_t width = static_cast<size_t>(width_);
    scratch.resize(static_cast<size_t>(count_) * width);
    const int low = (count_ + 1) / 2;
    for (int i = 0; i < count_; ++i) {
      const int packed = i % 2 == 0 ? i / 2 : low + i / 2;
      std::copy_n(at(split ? i : packed), width, scratch.data() + static_cast<size_t>(split ? packed : i) * width);
    }
    for (int i = 0; i < count_; ++i) std::copy_n(scratch.data() + static_cast<size_t>(i) * width, width, at(i));
  }

  float* data_;
  int count_;
  ptrdiff_t stride_;
  int width_;
};

// Multiplies every band by the norm of its functions, or divides by it.
void weigh(float* plane, int rows, int columns, int spacing, bool divide) {
  const Norms& norms = spacing == 1 ? kSampledNorms : kSmoothNorms;
  const int levels = wavelet_levels(rows, columns);
  for (int level = levels; level > 0; --level) {
    const int r = side_at(rows, level), c = side_at(columns, level);  // of the low band, which the next level splits
    const float low = Norms::at(norms.low, level), high = Norms::at(norms.high, level);
    for (int y = 0; y < side_at(rows, level - 1); ++y) {
      float* row = plane + static_cast<size_t>(y) * static_cast<size_t>(columns);
      for (int x = y < r && level < levels ? c : 0; x < side_at(columns, level - 1); ++x) {
        const float norm = (y < r ? low : high) * (x < c ? low : high);
        row[x] = divide ? row[x] / norm : row[x] * norm;
      }
    }
  }
}

}  // namespace

int wavelet_levels(int rows, int columns) {
  int levels = 0;
  while (std::max(side_at(rows, levels), side_at(columns, levels)) > kCoarsestSide) ++levels;
  return levels;
}

void wavelet_forward(float* values, int rows, int columns, int spacing) {
  std::vector<float> scratch;
  for (int level = 0; level < wavelet_levels(rows, columns); ++level) {
    const int r = side_at(rows, level), c = side_at(columns, level);
    for (int y = 0; y < r; ++y) Lifting(values + static_cast<ptrdiff_t>(y) * columns, c, 1, 1).forward(scratch);
    Lifting(values, r, columns, c).forward(scratch);
  }
  weigh(values, rows, columns, spacing, false);
}

void wavelet_inverse(float* coefficients, int rows, int columns, int spacing) {
  std::vector<float> scratch;
  weigh(coefficients, rows, columns, spacing, true);
  for (int level = wavelet_levels(rows, columns) - 1; level >= 0; --level) {
    const int r = side_at(rows, level), c = side_at(columns, level);
    Lifting(coefficients, r, columns, c).inverse(scratch);
    for (int y = 0; y < r; ++y) Lifting(coefficients + static_cast<ptrdiff_t>(y) * columns, c, 1, 1).inverse(scratch);
  }
}

}  // namespace smartsplat
