#include "lattice/wavelet.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "lattice/sharpening.h"

namespace smartsplat {
namespace {

float norm_at(const std::array<float, 6>& norms, int level) {
  return norms[static_cast<size_t>(std::clamp(level, 1, static_cast<int>(norms.size())) - 1)];
}

// Even and odd samples of a line, or of as many lines as are solved together: sample i of all of them at i * stride.
struct Halves {
  float *low, *high;
  int low_count, high_count;
  ptrdiff_t stride;
  int width;

  // Adds factor times both neighbours, mirrored at the ends, to the odd samples or to the even ones.
  void lift(bool odd, float factor) const {
    if (width == 1) {
      odd ? lift_line(high, low, high_count, low_count, 0, factor)
          : lift_line(low, high, low_count, high_count, 1, factor);
      return;
    }
    const int count = odd ? high_count : low_count, others = odd ? low_count : high_count, back = odd ? 0 : 1;
    for (int i = 0; i < count; ++i) {
      const float* before = (odd ? low : high) + std::max(i - back, 0) * stride;
      const float* after = (odd ? low : high) + std::min(i + 1 - back, others - 1) * stride;
      float* here = (odd ? high : low) + i * stride;
      for (int k = 0; k < width; ++k) here[k] += factor * (before[k] + after[k]);
    }
  }
  void scale(float by_low, float by_high) const {
    for (int i = 0; i < low_count; ++i) {
      for (int k = 0; k < width; ++k) low[i * stride + k] *= by_low;
    }
    for (int i = 0; i < high_count; ++i) {
      for (int k = 0; k < width; ++k) high[i * stride + k] *= by_high;
    }
  }
  void forward() const {
    for (int step = 0; step < 4; ++step) lift(step % 2 == 0, kLifting[static_cast<size_t>(step)]);
    scale(kLiftingGain, 1 / kLiftingGain);
  }

 private:
  // The neighbours of here[i] are others[i - back] and the next one.
  static void lift_line(float* here, const float* others, int count, int other_count, int back, float factor) {
    const auto mirrored = [&](int i) {
      here[i] += factor * (others[std::max(i - back, 0)] + others[std::min(i + 1 - back, other_count - 1)]);
    };
    const int inside = std::min(count, other_count - 1 + back);
    for (int i = 0; i < std::min(back, count); ++i) mirrored(i);
    for (int i = back; i < inside; ++i) here[i] += factor * (others[i - back] + others[i + 1 - back]);
    for (int i = std::max(inside, back); i < count; ++i) mirrored(i);
  }
};

constexpr int kColumns = 64;  // transformed together

// Transforms lines of n samples in place, `lines` at a time.
class LineTransform {
 public:
  LineTransform(int n, int lines)
      : n_(n), lines_(lines), scratch_(static_cast<size_t>(n) * static_cast<size_t>(lines)), half_((n + 1) / 2) {}

  // Lines are columns, `stride` floats from sample to sample.
  void columns(float* data, ptrdiff_t stride) {
    if (n_ < 2) return;
    for (int i = 0; i < n_; ++i) std::copy_n(data + i * stride, lines_, packed(i % 2 == 0 ? i / 2 : half_ + i / 2));
    run(lines_, lines_);
    for (int i = 0; i < n_; ++i) std::copy_n(packed(i), lines_, data + i * stride);
  }
  // One line is a row.
  void row(float* data) {
    if (n_ < 2) return;
    float* const low = scratch_.data();
    float* const high = low + half_;
    for (int i = 0; i < half_; ++i) low[i] = data[2 * i];
    for (int i = 0; i < n_ - half_; ++i) high[i] = data[2 * i + 1];
    run(1, 1);
    std::copy_n(low, n_, data);
  }

 private:
  float* packed(int i) { return scratch_.data() + static_cast<ptrdiff_t>(i) * lines_; }
  void run(ptrdiff_t stride, int width) {
    Halves{scratch_.data(), scratch_.data() + half_ * stride, half_, n_ - half_, stride, width}.forward();
  }

  int n_, lines_;
  std::vector<float> scratch_;
  int half_;
};

void transform_columns(float* plane, int rows, int columns, ptrdiff_t stride, const Parallel& parallel) {
  parallel.for_each(static_cast<size_t>((columns + kColumns - 1) / kColumns), [&](size_t part) {
    const int first = static_cast<int>(part) * kColumns;
    LineTransform(rows, std::min(kColumns, columns - first)).columns(plane + first, stride);
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

void transform_rows(float* plane, int rows, int columns, ptrdiff_t stride, const Parallel& parallel) {
  parallel.for_each(static_cast<size_t>((rows + kRows - 1) / kRows), [&](size_t part) {
    LineTransform transform(columns, 1);
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
    transform_rows(values, r, c, columns, parallel);
    transform_columns(values, r, c, columns, parallel);
  }
  weigh(values, rows, columns, spacing, parallel);
}

float wavelet_factor(int spacing, int level, bool down, bool across) {
  const BandNorms& norms = spacing == 1 ? kSampledNorms : kSmoothNorms;
  return 1 / (norm_at(down ? norms.high : norms.low, level) * norm_at(across ? norms.high : norms.low, level));
}

}  // namespace smartsplat
