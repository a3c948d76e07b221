// What the pixel kernels know of the lattice.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smartsplat {

constexpr int kAxisMargin = 16;    // zeros before and after the weights of a node, so that vectors may reach over
constexpr int kMostEvenTaps = 16;  // of a node whose weights all nodes share

constexpr int kDenseStep = 16;  // floats

constexpr int kSharedTaps = 16;  // at most, of a pixel whose weights all pixels share
constexpr int kMostRatio = 4;    // nodes for such a pixel

// Weights of nodes at runs of pixels: node i at the pixels first[i], first[i] + 1, ..., `taps` of them. Nodes are in
// ascending order of their first pixels.
struct AxisWeights {
  const int32_t* first;
  const float* weights;  // of node 0 at its first pixel
  int taps;
  int stride;  // from node to node: taps and the margin between two nodes
  // Where the nodes are 1 or 2 whole pixels apart all have the same weights, `taps` of them; else, or beyond
  // kMostEvenTaps, null. Node i has
  // its first one at the pixel even_first + i * pitch, which may lie outside the view.
  const float* even;
  int even_first, pitch;
  // Where there are more nodes than pixels the same weights by pixels, else null: pixel p sees the dense_count[p] nodes
  // from dense_first[p] on, with the weights from dense + p * dense_taps on; up to dense_taps, a multiple of
  // kDenseStep, zeros follow. A pixel that sees no node has the first one of a neighbour.
  const float* dense;
  const int32_t* dense_first;
  const int32_t* dense_count;
  int dense_taps;
  // Where a pixel has just 2 or 4 nodes (`ratio`) all pixels have the same weights, else null: pixel p those of the
  // shared_taps nodes, a multiple of the ratio, from shared_first + p * ratio on, of which some may not exist.
  const float* shared;
  int shared_taps, shared_first, ratio;
};

// The nodes of a lattice that reach a tile, and their values.
struct LatticeTile {
  AxisWeights x, y;
  int first_column, end_column, first_row, end_row;
  const float* values[3];  // of all nodes, in rows
  int columns;             // of the nodes that reach the view, from the first of which all is counted
  int stride;              // of the values, from row to row
};

// Whether a tile's sums are taken by pixels and not by nodes.
inline bool is_dense(const LatticeTile& tile) { return tile.x.dense && tile.y.dense; }

constexpr int kDenseRows = 8;  // of pixels, whose sums of columns are kept at a time

// Floats for each of them: whole vectors of so many columns, between zeros for what the first and last pixels have taps
// at; behind them for as many pixels as a tile may be wide, `widest`.
constexpr size_t dense_row_floats(size_t columns, size_t taps, size_t widest) {
  return (columns / kDenseStep + 1) * kDenseStep + taps + kSharedTaps + kMostRatio * (widest + kSharedTaps);
}

}  // namespace smartsplat
