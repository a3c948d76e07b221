// The memory that a thread draws tiles in.
#pragma once

#include <algorithm>
#include <cstddef>

#include "common/parallel.h"
#include "rendering/bins.h"
#include "rendering/kernels/table.h"
#include "rendering/pixel_splat.h"

namespace smartsplat {

constexpr size_t kWorkPlane = static_cast<size_t>(kWidestTile) * kWidestTile;
constexpr int kWorkPlanes = 3;

// One plane of this thread's own, of kWorkPlane floats.
float* work_plane(int index);

// The tile of that index with a halo, in the first planes of this thread.
Tile tile_at(const TileGrid& grid, size_t index, int halo = 0);

// Adds the lattice's sums to the tile.
void add_lattice(const LatticeTile& lattice, const Tile& tile);

inline void clear(const Tile& tile) {
  for (float* plane : tile.plane) std::fill_n(plane, static_cast<size_t>(tile.stride) * tile.height, 0.0f);
}

// A checkpoint (see Parallel) between two parts of a tile's work. Its sums are put aside: whoever is asked may draw
// something on this thread, too, as signal handlers do.
void checkpoint_in(const Tile& tile, const Parallel& parallel);

// Zero from the tile's width on, where the sums of splats run over.
void clear_margin(const Tile& tile);

}  // namespace smartsplat
