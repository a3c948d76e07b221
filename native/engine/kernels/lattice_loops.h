// The lattice under a tile: its sums, and the transposed sums for fitting it.
#pragma once

#include "engine/kernels/simd.h"
#include "engine/lattice_axis.h"
#include "engine/pixel_splat.h"

namespace {

using smartsplat::AxisWeights;
using smartsplat::LatticeTile;
using smartsplat::Tile;

inline const float* weights_of(const AxisWeights& axis, int node) {
  return axis.weights + static_cast<size_t>(node) * static_cast<size_t>(axis.stride);
}

// Adds up nodes along x: out(x) for the tile's pixels, in whole vectors.
inline void spread_row(const LatticeTile& lattice, const Tile& tile, const float* nodes, float* out) {
  int begin = lattice.first_column;
  for (int x = 0; x < tile.width; x += kLanes) {
    const int from = tile.x + x;
    while (begin < lattice.end_column && lattice.x.first[begin] + lattice.x.taps <= from) ++begin;
    vf total = {};
    for (int i = begin; i < lattice.end_column && lattice.x.first[i] < from + kLanes; ++i) {
      total += nodes[i] * load_unaligned(weights_of(lattice.x, i) + (from - lattice.x.first[i]));
    }
    store(out + x, total);
  }
}

// A row of the tile, of which `spread` holds the rows of nodes one after the other.
inline void add_rows(const LatticeTile& lattice, const Tile& tile, int y, int first, const float* spread, float* out) {
  vf total[smartsplat::kWidestTile / kLanes] = {};
  const int vectors = (tile.width + kLanes - 1) / kLanes;
  for (int j = first; j < lattice.end_row && lattice.y.first[j] <= tile.y + y; ++j) {
    const vf weight = splat(weights_of(lattice.y, j)[tile.y + y - lattice.y.first[j]]);
    const float* row = spread + static_cast<size_t>(j - lattice.first_row) * smartsplat::kWidestTile;
    for (int v = 0; v < vectors; ++v) total[v] += weight * load(row + v * kLanes);
  }
  for (int v = 0; v < vectors; ++v) store(out + v * kLanes, load(out + v * kLanes) + total[v]);
}

void add_lattice(const LatticeTile& lattice, const Tile& tile, float* scratch) {
  if (lattice.first_column >= lattice.end_column) return;
  for (int c = 0; c < 3; ++c) {
    for (int j = lattice.first_row; j < lattice.end_row; ++j) {
      const float* nodes = lattice.values[c] + static_cast<size_t>(j) * static_cast<size_t>(lattice.columns);
      spread_row(lattice, tile, nodes, scratch + static_cast<size_t>(j - lattice.first_row) * smartsplat::kWidestTile);
    }
    int first = lattice.first_row;
    for (int y = 0; y < tile.height; ++y) {
      while (first < lattice.end_row && lattice.y.first[first] + lattice.y.taps <= tile.y + y) ++first;
      add_rows(lattice, tile, y, first, scratch, tile.plane[c] + static_cast<size_t>(y) * tile.stride);
    }
  }
}

// The sum over the tile's rows of a row of nodes' weights times the plane.
inline void gather_rows(const LatticeTile& lattice, const Tile& tile, int j, const float* plane, float* out) {
  const int padded = (tile.width + kLanes - 1) / kLanes * kLanes;
  std::memset(out, 0, sizeof(float) * static_cast<size_t>(padded));
  const int begin = lattice.y.first[j] - tile.y, end = begin + lattice.y.taps;
  for (int y = begin > 0 ? begin : 0; y < tile.height && y < end; ++y) {
    const vf weight = splat(weights_of(lattice.y, j)[y - begin]);
    const float* from = plane + static_cast<size_t>(y) * tile.stride;
    for (int x = 0; x < padded; x += kLanes) store(out + x, load(out + x) + weight * load(from + x));
  }
}

// sums[c][j][i], from the tile's first node on, = the sum over the tile of the nodes' weights times the planes,
// which must be zero from the tile's width on.
void gather_lattice(const LatticeTile& lattice, const Tile& tile, float* sums) {
  alignas(64) float row[smartsplat::kWidestTile];
  const int padded = (tile.width + kLanes - 1) / kLanes * kLanes;
  for (int c = 0; c < 3; ++c) {
    for (int j = lattice.first_row; j < lattice.end_row; ++j) {
      gather_rows(lattice, tile, j, tile.plane[c], row);
      for (int i = lattice.first_column; i < lattice.end_column; ++i) {
        const int begin = lattice.x.first[i] - tile.x, end = begin + lattice.x.taps;
        vf total = {};
        for (int x = begin > 0 ? begin / kLanes * kLanes : 0; x < padded && x < end; x += kLanes) {
          total += load(row + x) * load_unaligned(weights_of(lattice.x, i) + (x - begin));
        }
        *sums++ = sum(total);
      }
    }
  }
}

}  // namespace
