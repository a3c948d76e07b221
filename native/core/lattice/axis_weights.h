// What the pixel kernels know of the lattice.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smartsplat {

constexpr int kAxisMargin = 16;    // zeros before and after the weights of a node, so that vectors may reach over
constexpr int kMostEvenTaps = 16;  // of a node whose weights all nodes share

constexpr int kDenseStep = 16;  // floats

// Of a pixel that has 2 or 4 nodes the taps, in pixels: what it sees of the nodes of so many.
constexpr int shared_groups(int ratio) { return ratio == 2 ? 4 : 3; }

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
  // nodes of shared_groups() pixels, from shared_first + p * ratio on, of which some may not exist.
  const float* shared;
  int shared_first, ratio;
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

constexpr int kDenseRows = 8;                   // of pixels, whose sums of columns are used at a time
constexpr int kDenseSums = 2 * kDenseRows + 1;  // rows of sums: one half is added to while the other is used
constexpr int kDenseMargin = kDenseStep;        // zeros before them, that first pixels have taps at
constexpr int kDenseEnd = 9 * kDenseStep;       // likewise behind them

// Floats for each of them: whole vectors of so many columns and the zeros around.
constexpr size_t dense_row_floats(size_t columns, size_t taps) {
  return kDenseMargin + (columns / kDenseStep + 1) * kDenseStep + taps + kDenseEnd;
}

}  // namespace smartsplat
