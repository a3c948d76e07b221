#include "engine/bins.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "common/threads.h"

namespace smartsplat {
namespace {

constexpr size_t kPart = 4096;  // splats that one thread counts at a time, at least
constexpr size_t kMostParts = 16;

int tile_of(float pixel, int tiles) {
  return static_cast<int>(std::clamp(std::floor(pixel / kTileSize), 0.0f, static_cast<float>(tiles - 1)));
}

// Calls touch(tile row, first column, last column) for the rows of tiles that the support of `s` meets.
template <class Touch>
void for_tiles(const TileGrid& grid, const PixelSplat& s, Touch touch) {
  const float reach_x = s.x_extent + grid.halo, reach_y = s.y_extent + grid.halo;
  if (!(s.x_extent > 0) || s.x + reach_x < 0 || s.y + reach_y < 0 || s.x - reach_x > grid.width - 1 ||
      s.y - reach_y > grid.height - 1) {
    return;
  }
  const int last_row = tile_of(s.y + reach_y, grid.rows);
  // The support's ridge as x over y; see PixelSplat for the same as y over x.
  const float y_at_right = s.x_extent * s.slope;
  const float slope = s.x_at_top / s.y_extent;
  const float aspect = s.x_extent / s.y_extent;
  const float bend = s.bend * aspect * aspect;  // 1 - correlation^2: relative variance of x at a given y
  const auto half = [&](float dy) {
    const float t = dy / s.y_extent;
    return s.x_extent * std::sqrt(std::max(0.0f, bend * (1 - t * t)));
  };
  for (int row = tile_of(s.y - reach_y, grid.rows); row <= last_row; ++row) {
    const float margin = 1.0f / 64 + grid.halo;
    const float top = std::clamp(row * kTileSize - margin - s.y, -s.y_extent, s.y_extent);
    const float bottom = std::clamp((row + 1) * kTileSize - 1 + margin - s.y, -s.y_extent, s.y_extent);
    const float at_right = std::clamp(y_at_right, top, bottom), at_left = std::clamp(-y_at_right, top, bottom);
    const float right = s.x + slope * at_right + half(at_right) + margin;
    const float left = s.x + slope * at_left - half(at_left) - margin;
    if (right < 0 || left > grid.width - 1) continue;
    touch(row, tile_of(left, grid.columns), tile_of(right, grid.columns));
  }
}

}  // namespace

TileGrid::TileGrid(int width, int height, int halo)
    : width(width), height(height), halo(halo), columns((width + kTileSize - 1) / kTileSize),
      rows((height + kTileSize - 1) / kTileSize) {}

void Bins::fill(const TileGrid& grid, const std::vector<PixelSplat>& splats) {
  const size_t tiles = grid.count(), n = splats.size();
  const size_t parts = std::clamp<size_t>(n / kPart, 1, kMostParts);
  const auto begin_of = [&](size_t part) { return n * part / parts; };
  cursors_.assign(parts * tiles, 0);
  first_slots_.assign(n + 1, 0);
  parallel_for(parts, [&](size_t part) {
    uint32_t* counts = cursors_.data() + part * tiles;
    for (size_t i = begin_of(part); i < begin_of(part + 1); ++i) {
      for_tiles(grid, splats[i], [&](int row, int first, int last) {
        for (int column = first; column <= last; ++column) ++counts[static_cast<size_t>(row) * grid.columns + column];
        first_slots_[i + 1] += static_cast<uint32_t>(last - first + 1);
      });
    }
  });
  size_t total = 0;
  starts_.resize(tiles + 1);
  for (size_t tile = 0; tile < tiles; ++tile) {
    starts_[tile] = static_cast<uint32_t>(total);
    for (size_t part = 0; part < parts; ++part) {
      const uint32_t count = cursors_[part * tiles + tile];
      cursors_[part * tiles + tile] = static_cast<uint32_t>(total);
      total += count;
    }
  }
  if (total > UINT32_MAX) throw std::length_error("too many pairs of splat and tile");
  starts_[tiles] = static_cast<uint32_t>(total);
  for (size_t i = 0; i < n; ++i) first_slots_[i + 1] += first_slots_[i];
  ids_.resize(total);
  slots_.resize(total);
  parallel_for(parts, [&](size_t part) {
    uint32_t* cursors = cursors_.data() + part * tiles;
    for (size_t i = begin_of(part); i < begin_of(part + 1); ++i) {
      uint32_t slot = first_slots_[i];
      for_tiles(grid, splats[i], [&](int row, int first, int last) {
        for (int column = first; column <= last; ++column) {
          const uint32_t at = cursors[static_cast<size_t>(row) * grid.columns + column]++;
          ids_[at] = static_cast<uint32_t>(i);
          slots_[at] = slot++;
        }
      });
    }
  });
}

}  // namespace smartsplat
