// Splats placed in a view, and the passes over its tiles.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/memory.h"
#include "common/parallel.h"
#include "rendering/bins.h"
#include "rendering/canvas.h"
#include "rendering/kernels/table.h"
#include "rendering/tiles.h"

namespace smartsplat {

// Immutable: what is computed of a frame does not change it. The canvas must live as long.
class Frame {
 public:
  // Projects and sorts splats.
  Frame(const Canvas& canvas, const SplatRows& splats, const Parallel& parallel);
  // Sorts splats that are projected already, at the ledger's charge. Without axes nothing can be fitted.
  Frame(const Canvas& canvas, Buffer<PixelSplat> splats, const Parallel& parallel, Ledger& ledger);

  const Canvas& canvas() const { return *canvas_; }
  const View& view() const { return canvas_->view(); }
  const TileGrid& grid() const { return canvas_->grid(); }
  const Bins& bins() const { return bins_; }
  size_t size() const { return splats_.size(); }
  size_t pairs() const { return bins_.pairs(); }
  const PixelSplat* splats() const { return splats_.data(); }
  const Axes* axes() const { return axes_.data(); }

  // Draws the sums of the lattice and of the splats in the tile of that index; returns the splats.
  TileList draw_tile(size_t index, const Tile& tile, const Parallel& parallel) const {
    clear(tile);
    if (canvas_->has_lattice()) add_lattice(canvas_->lattice_tile(tile), tile);
    return add_splats(index, tile, parallel);
  }
  // The same with nodes that the canvas has not.
  TileList draw_tile(size_t index, const Tile& tile, const NodeBlock& block, const Parallel& parallel) const {
    clear(tile);
    add_lattice(canvas_->lattice().tile(tile, block), tile);
    return add_splats(index, tile, parallel);
  }

  // Calls finish(index, list, tile) for every tile, on some thread, with the sums of the lattice and of its splats
  // there and in a halo.
  template <class Finish>
  void for_tiles(int halo, const Parallel& parallel, Finish finish) const {
    parallel.for_each(grid().count(), [&](size_t index) {
      Tile tile = tile_at(grid(), index, halo);
      finish(index, draw_tile(index, tile, parallel), tile);
    });
  }

 private:
  TileList add_splats(size_t index, const Tile& tile, const Parallel& parallel) const {
    const TileList list = bins_.list(index, splats_.data());
    for (size_t begin = 0; begin < list.count; begin += kBite) {
      if (begin > 0) checkpoint_in(tile, parallel);
      kernels().add({list.splats, list.ids + begin, list.slots + begin, std::min(kBite, list.count - begin)}, tile);
    }
    return list;
  }

  static constexpr size_t kBite = 4096;  // splats that a tile gets between two looks at whether to stop

  const Canvas* canvas_;
  Buffer<PixelSplat> splats_;
  Buffer<Axes> axes_;
  Bins bins_;
};

}  // namespace smartsplat
