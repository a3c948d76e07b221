#include "rendering/bins.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/error.h"

namespace smartsplat {
namespace {

constexpr size_t kPart = 4096;  // splats that one thread counts at a time, at least
constexpr size_t kMostParts = 16;
constexpr size_t kTurn = 64;     // splats, or short spans, between two looks at whether to stop
constexpr size_t kLongSpan = 8;  // tiles; to write so many for the first time may take long

// The tile of a pixel coordinate, which may lie outside.
int tile_of(float pixel, int tiles) {
  if (!(pixel > 0)) return 0;
  constexpr float scale = 1.0f / kTileSize;
  const float tile = pixel * scale;
  return tile < static_cast<float>(tiles) ? static_cast<int>(tile) : tiles - 1;
}

// About how many pixels of so many tiles a splat's support has.
double pixels_in(const PixelSplat& s, size_t tiles) {
  const double support = std::numbers::pi * s.x_extent * std::sqrt(static_cast<double>(s.reach));
  return std::min(support, static_cast<double>(tiles) * kTileSize * kTileSize);
}

// Calls touch(tile row, first column, last column) for the rows of tiles that the support of `s` meets.
template <class Touch>
void for_tiles(const TileGrid& grid, const PixelSplat& s, Touch touch) {
  const float halo = static_cast<float>(grid.halo);
  const float reach_x = s.x_extent + halo, reach_y = s.y_extent + halo;
  const float right_border = static_cast<float>(grid.width - 1), bottom_border = static_cast<float>(grid.height - 1);
  if (!(s.x_extent > 0) || s.x + reach_x < 0 || s.y + reach_y < 0 || s.x - reach_x > right_border ||
      s.y - reach_y > bottom_border) {
    return;
  }
  // The support's ridge as x over y; see PixelSplat for the same as y over x.
  const float y_at_right = s.x_extent * s.slope;
  const float slope = s.x_at_top / s.y_extent;
  const float aspect = s.x_extent / s.y_extent;
  const float bend = s.bend * aspect * aspect;  // 1 - correlation^2: relative variance of x at a given y
  const float one_y = 1 / s.y_extent;
  const auto half = [&](float dy) {
    const float t = dy * one_y;
    return s.x_extent * std::sqrt(std::max(0.0f, bend * (1 - t * t)));
  };
  const float margin = 1.0f / 64 + halo;
  const int last_row = tile_of(s.y + reach_y, grid.rows);
  for (int row = tile_of(s.y - reach_y, grid.rows); row <= last_row; ++row) {
    const float first_y = static_cast<float>(row * kTileSize) - s.y;
    const float top = std::clamp(first_y - margin, -s.y_extent, s.y_extent);
    const float bottom = std::clamp(first_y + (kTileSize - 1) + margin, -s.y_extent, s.y_extent);
    const float at_right = std::clamp(y_at_right, top, bottom), at_left = std::clamp(-y_at_right, top, bottom);
    const float right = s.x + slope * at_right + half(at_right) + margin;
    const float left = s.x + slope * at_left - half(at_left) - margin;
    if (right < 0 || left > right_border) continue;
    touch(row, tile_of(left, grid.columns), tile_of(right, grid.columns));
  }
}

}  // namespace

TileGrid::TileGrid(int width, int height, int halo)
    : width(width),
      height(height),
      halo(halo),
      columns((width + kTileSize - 1) / kTileSize),
      rows((height + kTileSize - 1) / kTileSize) {}

void Bins::fill(const TileGrid& grid, const Buffer<PixelSplat>& splats, const Parallel& parallel, Ledger* ledger) {
  const size_t n = splats.size(), parts = std::clamp<size_t>(n / kPart, 1, kMostParts);
  Scratch scratch;
  scratch.ledger = ledger;
  scratch.spans.resize(parts);
  scratch.cursors.assign(parts * grid.count(), 0);
  first_slots_.assign(n + 1, 0);
  parallel.for_each(parts, [&](size_t part) {
    count(grid, splats, n * part / parts, n * (part + 1) / parts, part, scratch, parallel);
  });
  const size_t total = assign(grid.count(), parts, scratch);
  for (size_t i = 0; i < n; ++i) first_slots_[i + 1] += first_slots_[i];
  ids_ = Buffer<uint32_t>(total);
  slots_ = Buffer<uint32_t>(total);
  parallel.for_each(parts, [&](size_t part) { write(grid, n * part / parts, part, scratch, parallel); });
}

void Bins::count(const TileGrid& grid, const Buffer<PixelSplat>& splats, size_t begin, size_t end, size_t part,
                 Scratch& scratch, const Parallel& parallel) {
  scratch.spans[part].reserve(2 * (end - begin));
  for (size_t turn = begin; turn < end; turn += kTurn) {
    parallel.checkpoint();
    uint64_t pairs = 0;
    double pixels = 0;
    for (size_t i = turn; i < std::min(end, turn + kTurn); ++i) {
      const uint32_t tiles = count_splat(grid, splats[i], static_cast<uint32_t>(i), part, scratch);
      first_slots_[i + 1] = tiles;
      pairs += tiles;
      if (scratch.ledger && tiles > 0) pixels += pixels_in(splats[i], tiles);
    }
    if (scratch.ledger) scratch.ledger->charge(pairs, static_cast<uint64_t>(pixels));
  }
}

uint32_t Bins::count_splat(const TileGrid& grid, const PixelSplat& splat, uint32_t id, size_t part, Scratch& scratch) {
  uint32_t* counts = scratch.cursors.data() + part * grid.count();
  uint32_t tiles = 0;
  for_tiles(grid, splat, [&](int row, int first, int last) {
    const uint32_t tile = static_cast<uint32_t>(row * grid.columns + first);
    const uint32_t length = static_cast<uint32_t>(last - first + 1);
    scratch.spans[part].push_back({id, tile, length});
    for (uint32_t k = 0; k < length; ++k) ++counts[tile + k];
    tiles += length;
  });
  return tiles;
}

// Turns the counts into the places where each part starts to write in each tile's list; returns the pairs.
size_t Bins::assign(size_t tiles, size_t parts, Scratch& scratch) {
  size_t total = 0;
  starts_.resize(tiles + 1);
  for (size_t tile = 0; tile < tiles; ++tile) {
    starts_[tile] = static_cast<uint32_t>(total);
    for (size_t part = 0; part < parts; ++part) {
      const uint32_t count = scratch.cursors[part * tiles + tile];
      scratch.cursors[part * tiles + tile] = static_cast<uint32_t>(total);
      total += count;
    }
  }
  if (total > UINT32_MAX) throw Error(ErrorKind::kLimit, "too many pairs of splat and tile");
  starts_[tiles] = static_cast<uint32_t>(total);
  return total;
}

void Bins::write(const TileGrid& grid, size_t begin, size_t part, Scratch& scratch, const Parallel& parallel) {
  uint32_t* cursors = scratch.cursors.data() + part * grid.count();
  uint32_t slot = first_slots_[begin];  // spans are in the order of splats, so slots are, too
  size_t turn = 0;
  for (const Span& span : scratch.spans[part]) {
    if (turn++ % kTurn == 0 || span.length >= kLongSpan) parallel.checkpoint();
    for (uint32_t k = 0; k < span.length; ++k) {
      const uint32_t at = cursors[span.tile + k]++;
      ids_[at] = span.splat;
      slots_[at] = slot++;
    }
  }
}

}  // namespace smartsplat
