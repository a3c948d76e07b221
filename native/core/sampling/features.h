// Sampling weights from gradient and colour variance (Eq. 9 and 10), tile by tile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/parallel.h"

namespace smartsplat::sampling {

constexpr float kLeastWeight = 1e-8f;

struct Picture {
  const uint8_t* channel(int c) const { return planes + static_cast<size_t>(c) * width * height; }

  const uint8_t* planes;  // [3, height, width]
  int width, height;
};

struct Tile {
  size_t size() const { return static_cast<size_t>(width) * height; }
  bool contains(int px, int py) const { return px >= x && py >= y && px < x + width && py < y + height; }

  int x, y, width, height;
};

// Equal tiles that cover a picture and may overlap. Tiles that are not neighbours do not.
struct Tiling {
  size_t size() const { return static_cast<size_t>(rows) * columns; }
  Tile tile(size_t index) const { return {lefts[index % columns], tops[index / columns], tile_width, tile_height}; }
  // One of four groups of tiles; those of one group do not overlap.
  int group(size_t index) const { return index / columns % 2 * 2 + index % columns % 2; }

  const int32_t *tops, *lefts;
  int rows, columns;
  int tile_width, tile_height;
};

// Calls body(index of a tile) for all tiles, in parallel within a group and one group after the other.
void for_tiles(const Tiling& tiling, const Parallel& parallel, const std::function<void(size_t)>& body);

// Room for the features of one tile at a time.
class TileWeights {
 public:
  explicit TileWeights(size_t pixels);
  ~TileWeights();
  TileWeights(const TileWeights&) = delete;
  TileWeights& operator=(const TileWeights&) = delete;

  // The weights w of Eq. 10 of a tile's pixels, row by row; valid until the next call.
  float* compute(const Picture& picture, const Tile& tile, float lambda_m);

 private:
  float *magnitudes_, *variances_;
};

// The greatest weight that any tile gives to each pixel; `map` is [height, width].
void feature_map(const Picture& picture, const Tiling& tiling, float lambda_m, float* map, const Parallel& parallel);

}  // namespace smartsplat::sampling
