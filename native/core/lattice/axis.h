// Weights of the lattice along one axis of a view.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "lattice/axis_weights.h"
#include "model/model.h"

namespace smartsplat {

// The nodes of a lattice, or of a level of its pyramid, in one dimension.
struct NodeRow {
  int count;                  // with those beyond the picture
  int spacing;                // of level 0, px
  int level = 0, before = 0;  // see LatticeShape
  int low = 0;                // levels of the low band that stands for them
};

// Weights, at the pixels of a view, of those nodes of one dimension that reach it. The view has `pixels` pixels, of
// which p lies at (p + 1/2) / zoom + origin px of the picture; `blur` is in px^2 of the view. Nodes are counted from
// the first that reaches the view. Of a low band its values take the place of the nodes.
class LatticeAxis {
 public:
  LatticeAxis() = default;
  LatticeAxis(const NodeRow& nodes, int pixels, double zoom, double origin, double blur);

  int first_node() const { return first_node_; }
  int nodes() const { return static_cast<int>(first_.size()); }
  // Of the nodes from one on.
  AxisWeights weights(int first = 0) const;
  // The nodes, from first to before end, that reach the pixels [begin, end).
  void range(int begin, int end, int& first_node, int& end_node) const;

 private:
  // The weights of values, from those of all that many nodes; of the low band of a level, from those of all values of
  // the one before.
  void take_values(int count, int spacing);
  void halve(int level, int count);
  // The weights of values from one to another: each counts `of(node, value)` in nodes up to `reach` from node value *
  // step on.
  void recombine(int first, int last, int step, int reach, const std::function<float(int, int)>& of);
  void sort_by_pixels(int pixels);
  // The weights that all pixels share, of nodes that lie at start + i / ratio px.
  void share(double start, int ratio, double reach, double amplitude, double variance);

  int first_node_ = 0;
  std::vector<int32_t> first_;  // the first pixel each node reaches
  std::vector<float> weights_;  // at that pixel and the next ones, taps_ for each node between margins of zeros
  int taps_ = 0;
  std::vector<float> even_;  // see AxisWeights
  int even_first_ = 0, pitch_ = 0;
  std::vector<float> dense_;  // likewise
  std::vector<int32_t> dense_first_, dense_count_;
  int dense_taps_ = 0;
  std::vector<float> shared_;  // likewise
  int shared_first_ = 0, ratio_ = 1;
};

}  // namespace smartsplat
