#include "rendering/bins.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/error.h"
#include "rendering/spans.h"

namespace smartsplat {
namespace {

constexpr size_t kPart = 2048;  // splats that one thread counts at a time, at least
constexpr size_t kMostParts = 16;
constexpr size_t kTurn = 64;     // splats, or short spans, between two looks at whether to stop
constexpr size_t kLongSpan = 8;  // tiles; to write so many for the first time may take long

// About how many pixels of so many tiles a splat's support has.
template <class Splat>
double pixels_in(const Splat& s, size_t tiles) {
  const double support = std::numbers::pi * static_cast<double>(s.x_extent) * std::sqrt(static_cast<double>(s.reach));
  return std::min(support, static_cast<double>(tiles) * kTileSize * kTileSize);
}

}  // namespace

TileGrid::TileGrid(int width, int height, int halo)
    : width(width),
      height(height),
      halo(halo),
      columns((width + kTileSize - 1) / kTileSize),
      rows((height + kTileSize - 1) / kTileSize) {}

template <class Splat>
void Bins::fill(const TileGrid& grid, const Buffer<Splat>& splats, const Parallel& parallel, Ledger* ledger) {
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

template <class Splat>
void Bins::count(const TileGrid& grid, const Buffer<Splat>& splats, size_t begin, size_t end, size_t part,
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

template <class Splat>
uint32_t Bins::count_splat(const TileGrid& grid, const Splat& splat, uint32_t id, size_t part, Scratch& scratch) {
  uint32_t* counts = scratch.cursors.data() + part * grid.count();
  uint32_t tiles = 0;
  for_spans<kTileSize>({grid.width, grid.height, grid.halo}, splat, [&](int row, int first, int last) {
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

template void Bins::fill(const TileGrid&, const Buffer<PixelSplat>&, const Parallel&, Ledger*);
template void Bins::fill(const TileGrid&, const Buffer<PlacedSplat<float>>&, const Parallel&, Ledger*);
template void Bins::fill(const TileGrid&, const Buffer<PlacedSplat<double>>&, const Parallel&, Ledger*);

}  // namespace smartsplat
