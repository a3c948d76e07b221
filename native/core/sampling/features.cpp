#include "sampling/features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/memory.h"

namespace smartsplat::sampling {
namespace {

constexpr int kReach = 2;  // of the 5x5 neighbourhood; the Sobel operator needs one pixel less
constexpr int kRows = 2 * kReach + 1;

// Five successive rows of a channel, as wide as a tile and two pixels more at either end. Beyond the picture its
// border is repeated. Values are less 128, which keeps 25 times a sum of 25 squares below 2^24, exact in a float.
class RowWindow {
 public:
  RowWindow(const Picture& picture, int channel, const Tile& tile)
      : picture_(picture),
        source_(picture.channel(channel)),
        tile_(tile),
        stride_(tile.width + 2 * kReach),
        rows_(static_cast<size_t>(kRows) * stride_) {
    for (int y = -kReach; y < kReach; ++y) load(y);
  }

  // Moves the window to the tile's row `y`, one below the last one (row 0 at first).
  void move_to(int y) {
    load(y + kReach);
    for (int k = 0; k < kRows; ++k) window_[k] = place(y - kReach + k);
  }
  // Row k - 2 from the middle; element i is the pixel i - 2 of the tile.
  const int16_t* row(int k) const { return window_[k]; }

 private:
  int16_t* place(int y) { return rows_.data() + static_cast<size_t>((y + kRows) % kRows) * stride_; }
  void load(int y) {
    const uint8_t* source =
        source_ + static_cast<size_t>(std::clamp(tile_.y + y, 0, picture_.height - 1)) * picture_.width;
    int16_t* row = place(y);
    for (int i = 0; i < tile_.width; ++i) row[i + kReach] = static_cast<int16_t>(source[tile_.x + i] - 128);
    for (int i = 0; i < kReach; ++i) {
      const int left = tile_.x + i - kReach, right = tile_.x + tile_.width + i;
      row[i] = static_cast<int16_t>(source[std::max(left, 0)] - 128);
      row[kReach + tile_.width + i] = static_cast<int16_t>(source[std::min(right, picture_.width - 1)] - 128);
    }
  }

  const Picture picture_;
  const uint8_t* source_;
  const Tile tile_;
  const int stride_;
  std::vector<int16_t> rows_;
  std::array<const int16_t*, kRows> window_{};
};

// Sums over the channels for one row of a tile, and the scratch to form them.
class RowFeatures {
 public:
  explicit RowFeatures(int width)
      : width_(width),
        smooth_(width + 2 * kReach),
        slope_(width + 2 * kReach),
        squares_(width + 2 * kReach),
        variance(width),
        magnitude(width) {}

  void clear() {
    std::fill(variance.begin(), variance.end(), 0);
    std::fill(magnitude.begin(), magnitude.end(), 0.0f);
  }
  void add_magnitude(const RowWindow& window);
  void add_variance(const RowWindow& window);

 private:
  const int width_;
  std::vector<int16_t> smooth_, slope_;
  std::vector<int32_t> squares_;

 public:
  std::vector<int32_t> variance;  // 600 times the unbiased variance over 25 pixels
  std::vector<float> magnitude;   // norm of the Sobel gradient
};

void RowFeatures::add_magnitude(const RowWindow& window) {
  const int16_t *above = window.row(1), *here = window.row(2), *below = window.row(3);
  int16_t *smooth = smooth_.data(), *slope = slope_.data();
  for (int i = 0; i < width_ + 2 * kReach; ++i) {
    smooth[i] = static_cast<int16_t>(above[i] + 2 * here[i] + below[i]);
    slope[i] = static_cast<int16_t>(below[i] - above[i]);
  }
  float* out = magnitude.data();
  for (int i = 0; i < width_; ++i) {
    const int16_t gx = static_cast<int16_t>(smooth[i + 3] - smooth[i + 1]);
    const int16_t gy = static_cast<int16_t>(slope[i + 1] + 2 * slope[i + 2] + slope[i + 3]);
    out[i] += std::sqrt(static_cast<float>(gx * gx + gy * gy));
  }
}

void RowFeatures::add_variance(const RowWindow& window) {
  const int16_t *a = window.row(0), *b = window.row(1), *c = window.row(2), *d = window.row(3), *e = window.row(4);
  int16_t* sums = smooth_.data();
  int32_t* squares = squares_.data();
  for (int i = 0; i < width_ + 2 * kReach; ++i) {
    sums[i] = static_cast<int16_t>(a[i] + b[i] + c[i] + d[i] + e[i]);
    squares[i] = a[i] * a[i] + b[i] * b[i] + c[i] * c[i] + d[i] * d[i] + e[i] * e[i];
  }
  int32_t* out = variance.data();
  for (int i = 0; i < width_; ++i) {
    const int16_t sum = static_cast<int16_t>(sums[i] + sums[i + 1] + sums[i + 2] + sums[i + 3] + sums[i + 4]);
    const int32_t square = squares[i] + squares[i + 1] + squares[i + 2] + squares[i + 3] + squares[i + 4];
    out[i] += 25 * square - sum * sum;
  }
}

// A factor that turns values up to `greatest` into values up to `share`.
float normaliser(float share, float greatest) { return greatest > 0 ? share / greatest : 0; }

}  // namespace

void for_tiles(const Tiling& tiling, const Parallel& parallel, const std::function<void(size_t)>& body) {
  std::array<std::vector<size_t>, 4> groups;
  for (size_t i = 0; i < tiling.size(); ++i) groups[tiling.group(i)].push_back(i);
  for (const auto& group : groups) parallel.for_each(group.size(), [&](size_t i) { body(group[i]); });
}

TileWeights::TileWeights(size_t pixels)
    : magnitudes_(static_cast<float*>(allocate(2 * pixels * sizeof(float)))), variances_(magnitudes_ + pixels) {}

TileWeights::~TileWeights() { release(magnitudes_); }

float* TileWeights::compute(const Picture& picture, const Tile& tile, float lambda_m) {
  RowWindow red(picture, 0, tile), green(picture, 1, tile), blue(picture, 2, tile);
  RowFeatures row(tile.width);
  float most_magnitude = 0, most_variance = 0;
  for (int y = 0; y < tile.height; ++y) {
    row.clear();
    for (RowWindow* channel : {&red, &green, &blue}) {
      channel->move_to(y);
      row.add_magnitude(*channel);
      row.add_variance(*channel);
    }
    float* magnitudes = magnitudes_ + static_cast<size_t>(y) * tile.width;
    float* variances = variances_ + static_cast<size_t>(y) * tile.width;
    for (int i = 0; i < tile.width; ++i) {
      magnitudes[i] = row.magnitude[i];
      variances[i] = static_cast<float>(row.variance[i]);
      most_magnitude = std::max(most_magnitude, magnitudes[i]);
      most_variance = std::max(most_variance, variances[i]);
    }
  }
  const float by_magnitude = normaliser(lambda_m, most_magnitude);
  const float by_variance = normaliser(1 - lambda_m, most_variance);
  for (size_t i = 0; i < tile.size(); ++i) {
    magnitudes_[i] = std::max(kLeastWeight, by_magnitude * magnitudes_[i] + by_variance * variances_[i]);
  }
  return magnitudes_;
}

void feature_map(const Picture& picture, const Tiling& tiling, float lambda_m, float* map, const Parallel& parallel) {
  const size_t width = static_cast<size_t>(picture.width);
  parallel.for_each(picture.height, [&](size_t y) { std::fill_n(map + y * width, width, 0.0f); });
  for_tiles(tiling, parallel, [&](size_t index) {
    const Tile tile = tiling.tile(index);
    TileWeights room(tile.size());
    const float* weights = room.compute(picture, tile, lambda_m);
    for (int y = 0; y < tile.height; ++y) {
      float* row = map + (static_cast<size_t>(tile.y) + y) * width + tile.x;
      const float* from = weights + static_cast<size_t>(y) * tile.width;
      for (int x = 0; x < tile.width; ++x) row[x] = std::max(row[x], from[x]);
    }
  });
}

}  // namespace smartsplat::sampling
