// Which splats touch which tile.
#pragma once

#include <cstdint>
#include <vector>

#include "common/memory.h"
#include "common/parallel.h"
#include "rendering/ledger.h"
#include "rendering/pixel_splat.h"

namespace smartsplat {

// A grid of tiles over width x height pixels; every tile sees `halo` pixels beyond its border.
struct TileGrid {
  TileGrid(int width, int height, int halo);
  size_t count() const { return static_cast<size_t>(columns) * rows; }

  int width, height, halo;
  int columns, rows;
};

// For every tile its splats in ascending order, and for every splat a run of slots, one for each of its tiles.
class Bins {
 public:
  // An empty splat (x_extent < 0) touches nothing. What is sorted is charged to the ledger, if there is one. Throws
  // Error of the kind kLimit if that is too much, or beyond 2^32 pairs. Splats are PixelSplats or PlacedSplats.
  template <class Splat>
  void fill(const TileGrid& grid, const Buffer<Splat>& splats, const Parallel& parallel, Ledger* ledger = nullptr);

  TileIds list(size_t tile) const {
    const size_t begin = starts_[tile];
    return {ids_.data() + begin, slots_.data() + begin, starts_[tile + 1] - begin};
  }
  TileList list(size_t tile, const PixelSplat* splats) const {
    const TileIds ids = list(tile);
    return {splats, ids.ids, ids.slots, ids.count};
  }
  size_t first_slot(size_t splat) const { return first_slots_[splat]; }
  size_t end_slot(size_t splat) const { return first_slots_[splat + 1]; }
  size_t pairs() const { return ids_.size(); }

 private:
  // Neighbouring tiles of a row that a splat touches.
  struct Span {
    uint32_t splat, tile, length;
  };
  // What filling needs in between.
  struct Scratch {
    std::vector<uint32_t> cursors;         // [part][tile]
    std::vector<std::vector<Span>> spans;  // [part]
    Ledger* ledger;
  };
  template <class Splat>
  void count(const TileGrid& grid, const Buffer<Splat>& splats, size_t begin, size_t end, size_t part, Scratch& scratch,
             const Parallel& parallel);
  // Returns how many tiles it touches.
  template <class Splat>
  static uint32_t count_splat(const TileGrid& grid, const Splat& splat, uint32_t id, size_t part, Scratch& scratch);
  size_t assign(size_t tiles, size_t parts, Scratch& scratch);
  void write(const TileGrid& grid, size_t begin, size_t part, Scratch& scratch, const Parallel& parallel);

  std::vector<uint32_t> starts_;       // of each tile, in ids_ and slots_; one more at the end
  std::vector<uint32_t> first_slots_;  // of each splat; one more at the end
  Buffer<uint32_t> ids_, slots_;
};

}  // namespace smartsplat
