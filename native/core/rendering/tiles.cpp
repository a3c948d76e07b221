#include "rendering/tiles.h"

#include <vector>

#include "common/memory.h"

namespace smartsplat {
namespace {

// The planes that one thread works in.
struct Workspace {
  Buffer<float> planes{kWorkPlane * kWorkPlanes};
  Buffer<float> rows;  // of the lattice's nodes, spread along x
};

Workspace& workspace() {
  thread_local Workspace space;
  return space;
}

constexpr int kMostRows = 1 << 12;  // of nodes that are spread along x at a time

// What the kernels work in.
size_t floats_for(const LatticeTile& part) {
  if (!is_dense(part)) return static_cast<size_t>(part.end_row - part.first_row) * kWidestTile;
  return kDenseSums * dense_row_floats(static_cast<size_t>(part.end_column - part.first_column),
                                       static_cast<size_t>(part.x.dense_taps));
}

// Room for that many floats, which nobody else in this thread uses at the time.
float* row_memory(size_t floats) {
  Buffer<float>& rows = workspace().rows;
  if (rows.size() < floats) rows = Buffer<float>(floats);
  return rows.data();
}

}  // namespace

float* work_plane(int index) { return workspace().planes.data() + static_cast<size_t>(index) * kWorkPlane; }

Tile tile_at(const TileGrid& grid, size_t index, int halo) {
  const int x = static_cast<int>(index % static_cast<size_t>(grid.columns)) * kTileSize;
  const int y = static_cast<int>(index / static_cast<size_t>(grid.columns)) * kTileSize;
  return {{work_plane(0), work_plane(1), work_plane(2)},
          halo > 0 ? kWidestTile : kTileSize,
          x - halo,
          y - halo,
          std::min(kTileSize, grid.width - x) + 2 * halo,
          std::min(kTileSize, grid.height - y) + 2 * halo};
}

void add_lattice(const LatticeTile& lattice, const Tile& tile) {
  LatticeTile part = lattice;
  for (part.first_row = lattice.first_row; part.first_row < lattice.end_row; part.first_row = part.end_row) {
    part.end_row = std::min(lattice.end_row, part.first_row + kMostRows);
    kernels().add_lattice(part, tile, row_memory(floats_for(part)));
  }
}

void checkpoint_in(const Tile& tile, const Parallel& parallel) {
  if (!parallel.interrupt || !parallel.interrupt->due()) return;
  const size_t size = static_cast<size_t>(tile.stride) * static_cast<size_t>(tile.height);
  std::vector<float> sums(3 * size);
  for (size_t c = 0; c < 3; ++c) std::copy_n(tile.plane[c], size, sums.data() + c * size);
  parallel.checkpoint();
  for (size_t c = 0; c < 3; ++c) std::copy_n(sums.data() + c * size, size, tile.plane[c]);
}

void clear_margin(const Tile& tile) {
  for (float* plane : tile.plane) {
    for (int y = 0; y < tile.height; ++y) {
      float* row = plane + static_cast<size_t>(y) * tile.stride;
      std::fill(row + tile.width, row + (tile.width + 15) / 16 * 16, 0.0f);
    }
  }
}

}  // namespace smartsplat
