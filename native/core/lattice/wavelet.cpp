#include "lattice/wavelet.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "lattice/lifting.h"
#include "lattice/sharpening.h"

namespace smartsplat {
namespace {

float norm_at(const std::array<float, 6>& norms, int level) {
  return norms[static_cast<size_t>(std::clamp(level, 1, static_cast<int>(norms.size())) - 1)];
}

constexpr int kColumns = 64;  // transformed together

// Transforms lines of n samples in place, `lines` at a time.
class LineTransform {
 public:
  LineTransform(const Lifting& lifting, int n, int lines)
      : lifting_(lifting), n_(n), lines_(lines), low_(room((n + 1) / 2)), high_(room(n / 2)) {}

  // Lines are columns, `stride` floats from sample to sample.
  void columns(float* data, ptrdiff_t stride) {
    if (n_ < 2) return;
    for (int i = 0; i < n_; ++i) std::copy_n(data + i * stride, lines_, half(i % 2 != 0) + i / 2 * lines_);
    forward();
    const int lows = (n_ + 1) / 2;
    for (int i = 0; i < n_; ++i) {
      std::copy_n(half(i >= lows) + (i >= lows ? i - lows : i) * lines_, lines_, data + i * stride);
    }
  }
  // One line is a row.
  void row(float* data) { columns(data, 1); }

 private:
  std::vector<float> room(int samples) const {
    const size_t all = static_cast<size_t>(samples + 2 * kLiftingMargin) * static_cast<size_t>(lines_);
    return std::vector<float>(all + kLiftingSlack);
  }
  float* half(bool odd) { return (odd ? high_ : low_).data() + ptrdiff_t{kLiftingMargin} * lines_; }
  void scale(bool odd, float factor) {
    const ptrdiff_t size = ptrdiff_t{odd ? n_ / 2 : (n_ + 1) / 2} * lines_;
    for (ptrdiff_t i = 0; i < size; ++i) half(odd)[i] *= factor;
  }
  void forward() {
    const Halves halves{half(false), half(true), n_, lines_};
    for (size_t i = 0; i < lifting_.steps.size(); ++i) halves.lift(i % 2 == 0, lifting_.steps[i], 1);
    scale(false, lifting_.gain);
    scale(true, 1 / lifting_.gain);
  }

  const Lifting& lifting_;
  int n_, lines_;
  std::vector<float> low_, high_;
};

void transform_columns(const Lifting& lifting, float* plane, int rows, int columns, ptrdiff_t stride,
                       const Parallel& parallel) {
  parallel.for_each(static_cast<size_t>((columns + kColumns - 1) / kColumns), [&](size_t part) {
    const int first = static_cast<int>(part) * kColumns;
    LineTransform(lifting, rows, std::min(kColumns, columns - first)).columns(plane + first, stride);
  });
}

constexpr int kRows = 32;  // that a thread takes at a time

template <class Body>
void for_rows(int rows, const Parallel& parallel, Body body) {
  parallel.for_each(static_cast<size_t>((rows + kRows - 1) / kRows), [&](size_t part) {
    const int first = static_cast<int>(part) * kRows;
    for (int y = first; y < std::min(rows, first + kRows); ++y) body(y);
  });
}

void transform_rows(const Lifting& lifting, float* plane, int rows, int columns, ptrdiff_t stride,
                    const Parallel& parallel) {
  parallel.for_each(static_cast<size_t>((rows + kRows - 1) / kRows), [&](size_t part) {
    LineTransform transform(lifting, columns, 1);
    const int first = static_cast<int>(part) * kRows;
    for (int y = first; y < std::min(rows, first + kRows); ++y) transform.row(plane + y * stride);
  });
}

// Multiplies every band by the norm of its functions.
void weigh(float* plane, int rows, int columns, int spacing, const Parallel& parallel) {
  const BandNorms& norms = spacing == 1 ? kSampledNorms : kSmoothNorms;
  const int levels = wavelet_levels(rows, columns);
  for (int level = levels; level > 0; --level) {
    const int r = side_at(rows, level), c = side_at(columns, level);  // of the low band, which the next level splits
    const int c1 = side_at(columns, level - 1);
    const float low = norm_at(norms.low, level), high = norm_at(norms.high, level);
    for_rows(side_at(rows, level - 1), parallel, [&](int y) {
      float* row = plane + static_cast<size_t>(y) * static_cast<size_t>(columns);
      const float down = y < r ? low : high, at_low = down * low, at_high = down * high;
      for (int x = y < r && level < levels ? c : 0; x < c; ++x) row[x] *= at_low;
      for (int x = c; x < c1; ++x) row[x] *= at_high;
    });
  }
}

}  // namespace

int wavelet_levels(int rows, int columns) {
  int levels = 0;
  while (std::max(side_at(rows, levels), side_at(columns, levels)) > kCoarsestSide) ++levels;
  return levels;
}

void wavelet_forward(float* values, int rows, int columns, int spacing, const Parallel& parallel) {
  const int levels = wavelet_levels(rows, columns);
  if (levels > 0) unsharpen(values, rows, columns, spacing, parallel);
  for (int level = 0; level < levels; ++level) {
    const int r = side_at(rows, level), c = side_at(columns, level);
    transform_rows(lifting(level + 1), values, r, c, columns, parallel);
    transform_columns(lifting(level + 1), values, r, c, columns, parallel);
  }
  weigh(values, rows, columns, spacing, parallel);
}

float wavelet_factor(int spacing, int level, bool down, bool across) {
  const BandNorms& norms = spacing == 1 ? kSampledNorms : kSmoothNorms;
  return 1 / (norm_at(down ? norms.high : norms.low, level) * norm_at(across ? norms.high : norms.low, level));
}

}  // namespace smartsplat
