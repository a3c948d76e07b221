#include "rendering/canvas.h"

#include "common/error.h"

namespace smartsplat {
namespace {

// The nodes along a side of so many px, of which `count` values are there.
NodeRow row_of(const LatticeShape& shape, int count, int side) {
  const int nodes = shape.low > 0 ? (side - 1) / shape.spacing + 1 : count;
  return {nodes, shape.spacing, shape.level, shape.before(), shape.low};
}

}  // namespace

LatticeView::LatticeView(const LatticeShape& shape, const View& view)
    : shape_(shape),
      x_(row_of(shape, shape.columns(), shape.width), view.width, view.zoom, view.left, view.blur),
      y_(row_of(shape, shape.rows(), shape.height), view.height, view.zoom * view.aspect, view.top, view.blur) {}

size_t LatticeView::first_node() const {
  return static_cast<size_t>(y_.first_node()) * static_cast<size_t>(shape_.columns()) +
         static_cast<size_t>(x_.first_node());
}

LatticeTile LatticeView::tile(const Tile& tile, const float* values) const {
  LatticeTile lattice{x_.weights(), y_.weights(), 0, 0, 0, 0, {}, x_.nodes(), shape_.columns()};
  x_.range(tile.x, tile.x + tile.width, lattice.first_column, lattice.end_column);
  y_.range(tile.y, tile.y + tile.height, lattice.first_row, lattice.end_row);
  for (size_t c = 0; values && c < 3; ++c) lattice.values[c] = values + c * shape_.nodes() + first_node();
  return lattice;
}

NodeArea LatticeView::nodes(const Tile& tile) const {
  NodeArea area{};
  x_.range(tile.x, tile.x + tile.width, area.left, area.right);
  y_.range(tile.y, tile.y + tile.height, area.top, area.bottom);
  const int left = x_.first_node(), top = y_.first_node();
  return {area.top + top, area.left + left, area.bottom + top, area.right + left};
}

LatticeTile LatticeView::tile(const Tile& tile, const NodeBlock& block) const {
  const NodeArea area = nodes(tile);
  LatticeTile lattice{x_.weights(block.left - x_.first_node()),
                      y_.weights(block.top - y_.first_node()),
                      area.left - block.left,
                      area.right - block.left,
                      area.top - block.top,
                      area.bottom - block.top,
                      {},
                      block.columns,
                      static_cast<int>(block.stride)};
  for (ptrdiff_t c = 0; c < 3; ++c) lattice.values[c] = block.values + c * block.plane;
  return lattice;
}

Canvas::Canvas(const View& view, int halo, const LatticeValues& lattice)
    : view_(view), grid_(view.width, view.height, halo), values_(lattice.values) {
  require(is_computable(view),
          "a view needs a positive size and zoom and no negative blur, within what can be computed");
  if (lattice.shape.spacing > 0) lattice_ = LatticeView(lattice.shape, view);
}

}  // namespace smartsplat
