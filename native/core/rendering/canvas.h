// A view, with the lattice that lies under whatever is placed in it.
#pragma once

#include "lattice/axis.h"
#include "model/model.h"
#include "rendering/bins.h"
#include "rendering/view.h"

namespace smartsplat {

// Values of the nodes of a part of a lattice, counted as all nodes are: three planes of rows. Kernels may look at more
// of a row than weighs anything, up to `columns`: that must be numbers as well.
struct NodeBlock {
  const float* values;
  int top, left, columns;
  ptrdiff_t stride, plane;
};

// Nodes from a row and a column to before others.
struct NodeArea {
  int top, left, bottom, right;
};

// The nodes of a lattice that a view sees, and their weights at its pixels.
class LatticeView {
 public:
  LatticeView() = default;
  LatticeView(const LatticeShape& shape, const View& view);

  const LatticeShape& shape() const { return shape_; }
  // Index of the first node that the view sees, in a plane of all nodes.
  size_t first_node() const;
  // The nodes that a tile sees; their values are all of [3][rows][columns].
  LatticeTile tile(const Tile& tile, const float* values) const;
  // The same from a block that has these nodes and begins with or after the first that the view sees.
  LatticeTile tile(const Tile& tile, const NodeBlock& block) const;
  NodeArea nodes(const Tile& tile) const;

 private:
  LatticeShape shape_{};
  LatticeAxis x_, y_;
};

// Immutable, so that any number of frames and threads can share it.
class Canvas {
 public:
  // A halo of kSsimHalo pixels is needed for losses with SSIM. The lattice's values must live as long.
  Canvas(const View& view, int halo, const LatticeValues& lattice);

  const View& view() const { return view_; }
  const TileGrid& grid() const { return grid_; }
  bool has_lattice() const { return lattice_.shape().spacing > 0; }
  LatticeTile lattice_tile(const Tile& tile) const { return lattice_.tile(tile, values_); }
  const LatticeView& lattice() const { return lattice_; }

 private:
  View view_;
  TileGrid grid_;
  LatticeView lattice_;
  const float* values_;
};

}  // namespace smartsplat
