#include "metrics/ssim.h"

#include <algorithm>
#include <vector>

#include "common/memory.h"

namespace smartsplat {
namespace {

// Gaussian of sigma 1.5, normalised in single precision as pytorch_msssim does, from the rim to the middle. The
// arithmetic is in double precision: E[x^2] - E[x]^2 of 8-bit samples cancels badly in single.
constexpr double kWindow[kSsimTaps / 2 + 1] = {0.00102838036f, 0.00759875821f, 0.0360007733f,
                                               0.109360687f,   0.213005528f,   0.266011715f};
constexpr double kC1 = (0.01 * 255) * (0.01 * 255), kC2 = (0.03 * 255) * (0.03 * 255);

// Places of the window that one task takes: its 11 filtered rows (45 KB) stay in the cache near the core.
constexpr size_t kTileWidth = 128, kTileHeight = 64;

// The four quantities whose windowed means SSIM is made of.
enum { kA, kB, kSquares, kProduct, kQuantities };

template <size_t Width>
using Rows = double[kQuantities][Width];

template <class T>
void read(const Plane<T>& plane, size_t y, size_t x, size_t count, double* out) {
  const T* const in = plane.at(y, x);
  for (size_t i = 0; i < count; ++i) out[i] = in[static_cast<ptrdiff_t>(i) * plane.column] * plane.unit;
}

void filter_along(const double* __restrict in, size_t count, double* __restrict out) {
  for (size_t i = 0; i < count; ++i) {
    const double* const t = in + i;
    out[i] = kWindow[0] * (t[0] + t[10]) + kWindow[1] * (t[1] + t[9]) + kWindow[2] * (t[2] + t[8]) +
             kWindow[3] * (t[3] + t[7]) + kWindow[4] * (t[4] + t[6]) + kWindow[5] * t[5];
  }
}

// One tile of places: rows are filtered along x as they come and kept in a ring of 11, which is then filtered along y.
class Tile {
 public:
  explicit Tile(size_t width) : width_(width) {}

  template <class T>
  Similarity similarity(const Plane<T>& a, const Plane<T>& b, size_t top, size_t left, size_t height) {
    for (size_t y = 0; y < height + kSsimTaps - 1; ++y) {
      take_row(a, b, top + y, left, ring_[y % kSsimTaps]);
      if (y + 1 >= kSsimTaps) compare_row(y + 1);
    }
    Similarity sum;
    for (size_t x = 0; x < width_; ++x) {
      sum.ssim += ssim_[x];
      sum.contrast += contrast_[x];
    }
    return sum;
  }

 private:
  template <class T>
  void take_row(const Plane<T>& a, const Plane<T>& b, size_t y, size_t x, Rows<kTileWidth>& out) {
    const size_t count = width_ + kSsimTaps - 1;
    read(a, y, x, count, samples_[kA]);
    read(b, y, x, count, samples_[kB]);
    for (size_t i = 0; i < count; ++i) {
      const double p = samples_[kA][i], q = samples_[kB][i];
      samples_[kSquares][i] = p * p + q * q;
      samples_[kProduct][i] = p * q;
    }
    for (int k = 0; k < kQuantities; ++k) filter_along(samples_[k], width_, out[k]);
  }

  // The windowed means of the row of places whose oldest row is ring_[oldest % 11].
  void filter_down(size_t oldest, int quantity, double* __restrict out) const {
    const double* rows[kSsimTaps];
    for (size_t k = 0; k < kSsimTaps; ++k) rows[k] = ring_[(oldest + k) % kSsimTaps][quantity];
    for (size_t x = 0; x < width_; ++x) {
      out[x] = kWindow[0] * (rows[0][x] + rows[10][x]) + kWindow[1] * (rows[1][x] + rows[9][x]) +
               kWindow[2] * (rows[2][x] + rows[8][x]) + kWindow[3] * (rows[3][x] + rows[7][x]) +
               kWindow[4] * (rows[4][x] + rows[6][x]) + kWindow[5] * rows[5][x];
    }
  }

  void compare_row(size_t oldest) {
    for (int k = 0; k < kQuantities; ++k) filter_down(oldest, k, means_[k]);
    for (size_t x = 0; x < width_; ++x) {
      const double product = means_[kA][x] * means_[kB][x];
      const double squares = means_[kA][x] * means_[kA][x] + means_[kB][x] * means_[kB][x];
      const double contrast = (2 * (means_[kProduct][x] - product) + kC2) / (means_[kSquares][x] - squares + kC2);
      contrast_[x] += contrast;
      ssim_[x] += (2 * product + kC1) / (squares + kC1) * contrast;
    }
  }

  const size_t width_;
  Rows<kTileWidth + kSsimTaps - 1> samples_;
  Rows<kTileWidth> ring_[kSsimTaps];
  Rows<kTileWidth> means_;
  double ssim_[kTileWidth] = {}, contrast_[kTileWidth] = {};
};

template <class T>
Similarity mean_similarity(const Plane<T>& a, const Plane<T>& b, const Parallel& parallel) {
  const size_t height = a.height - kSsimTaps + 1, width = a.width - kSsimTaps + 1;
  const size_t rows = (height + kTileHeight - 1) / kTileHeight, columns = (width + kTileWidth - 1) / kTileWidth;
  std::vector<Similarity> tiles(rows * columns);
  parallel.for_each(tiles.size(), [&](size_t i) {
    const size_t top = i / columns * kTileHeight, left = i % columns * kTileWidth;
    Tile tile(std::min(kTileWidth, width - left));
    tiles[i] = tile.similarity(a, b, top, left, std::min(kTileHeight, height - top));
  });
  Similarity mean;
  for (const Similarity& tile : tiles) {
    mean.ssim += tile.ssim;
    mean.contrast += tile.contrast;
  }
  const double places = static_cast<double>(height) * static_cast<double>(width);
  return {mean.ssim / places, mean.contrast / places};
}

// A plane at half the size of another: sums of 2x2 samples, which stay whole numbers.
class Half {
 public:
  // As torch's avg_pool2d(kernel_size=2, padding=size % 2): before an odd side comes a row or column of zeros.
  template <class T>
  Half(const Plane<T>& full, const Parallel& parallel)
      : height_((full.height + 1) / 2), width_((full.width + 1) / 2), unit_(full.unit / 4), samples_(height_ * width_) {
    parallel.for_each(height_, [&](size_t y) { pool_row(full, y, samples_.data() + y * width_); });
  }

  Plane<uint16_t> plane() const { return {samples_.data(), height_, width_, static_cast<ptrdiff_t>(width_), 1, unit_}; }

 private:
  template <class T>
  static void pool_row(const Plane<T>& full, size_t y, uint16_t* __restrict out) {
    const size_t lower_y = 2 * y + 1 - full.height % 2, odd = full.width % 2;
    const int has_upper = lower_y > 0;
    const T* const lower = full.at(lower_y, 0);
    const T* const upper = full.at(lower_y - static_cast<size_t>(has_upper), 0);
    const ptrdiff_t step = full.column;
    if (odd) out[0] = static_cast<uint16_t>(has_upper * upper[0] + lower[0]);
    for (size_t x = odd; x < (full.width + 1) / 2; ++x) {
      const ptrdiff_t i = static_cast<ptrdiff_t>(2 * x - odd) * step;
      out[x] = static_cast<uint16_t>(has_upper * (upper[i] + upper[i + step]) + lower[i] + lower[i + step]);
    }
  }

  size_t height_, width_;
  double unit_;
  Buffer<uint16_t> samples_;
};

}  // namespace

void ssim_levels(const Plane<uint8_t>& a, const Plane<uint8_t>& b, int levels, Similarity* out,
                 const Parallel& parallel) {
  out[0] = mean_similarity(a, b, parallel);
  if (levels == 1) return;
  Half half_a(a, parallel), half_b(b, parallel);
  for (int level = 1;; ++level) {
    out[level] = mean_similarity(half_a.plane(), half_b.plane(), parallel);
    if (level + 1 == levels) return;
    half_a = Half(half_a.plane(), parallel);
    half_b = Half(half_b.plane(), parallel);
  }
}

}  // namespace smartsplat
