// What the pixel kernels know of the lattice.
#pragma once

#include <cstdint>

namespace smartsplat {

constexpr int kAxisMargin = 16;    // zeros before and after the weights of a node, so that vectors may reach over
constexpr int kMostEvenTaps = 16;  // of a node whose weights all nodes share

constexpr int kDenseStep = 16;  // floats

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
  // Where there are more nodes than pixels the same weights by pixels, else null: pixel p sees the nodes
  // dense_first[p], dense_first[p] + 1, ..., with the weights from dense + p * dense_taps on, a multiple of kDenseStep,
  // of which the last ones may be zero.
  const float* dense;
  const int32_t* dense_first;
  int dense_taps;
};

// The nodes of a lattice that reach a tile, and their values.
struct LatticeTile {
  AxisWeights x, y;
  int first_column, end_column, first_row, end_row;
  const float* values[3];  // of all nodes, in rows
  int columns;             // of the nodes that reach the view, from the first of which all is counted
  int stride;              // of the values, from row to row
};

}  // namespace smartsplat
