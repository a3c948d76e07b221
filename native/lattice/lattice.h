// The smooth layer: equal Gaussians on a square lattice, of which only the colours are coded.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/lattice_axis.h"
#include "engine/view.h"

namespace smartsplat {

// Standard deviation of the lattice's Gaussians, in units of its spacing. Narrow ones suit texture; wide ones leave no
// ripple in even areas, which at a spacing of 1 px has the same phase at all pixels and would change the brightness of
// pictures at other scales.
constexpr double kFinestScale = 0.6;
constexpr double kScale = 0.55;
constexpr double lattice_scale(int spacing) { return spacing == 1 ? kFinestScale : kScale; }

constexpr double kLatticeReach = 2.5;  // how far they reach, likewise

// Nodes at ((i + 1/2) spacing, (j + 1/2) spacing), enough to cover the picture.
struct LatticeShape {
  int width, height;  // of the picture, px
  int spacing;        // px; 0: there is no lattice
  int columns() const { return spacing > 0 ? (width + spacing - 1) / spacing : 0; }
  int rows() const { return spacing > 0 ? (height + spacing - 1) / spacing : 0; }
  size_t nodes() const { return static_cast<size_t>(columns()) * static_cast<size_t>(rows()); }
};

// Weights, at the pixels of a view, of those nodes of one dimension that reach it. The view has `pixels` pixels, of
// which p lies at (p + 1/2) / zoom + origin px of the picture; `blur` is in px^2 of the view. Nodes are counted from
// the first that reaches the view.
class LatticeAxis {
 public:
  LatticeAxis() = default;
  LatticeAxis(int nodes, int spacing, int pixels, double zoom, double origin, double blur);

  int first_node() const { return first_node_; }
  int nodes() const { return static_cast<int>(first_.size()); }
  AxisWeights weights() const {
    return {first_.data(),
            weights_.data() + kAxisMargin,
            taps_,
            taps_ + 2 * kAxisMargin,
            pitch_ > 0 ? even_.data() : nullptr,
            even_first_,
            pitch_};
  }
  // The nodes, from first to before end, that reach the pixels [begin, end).
  void range(int begin, int end, int& first_node, int& end_node) const;

 private:
  int first_node_ = 0;
  std::vector<int32_t> first_;  // the first pixel each node reaches
  std::vector<float> weights_;  // at that pixel and the next ones, taps_ for each node and margins of zeros
  int taps_ = 0;
  std::vector<float> even_;  // see AxisWeights
  int even_first_ = 0, pitch_ = 0;
};

}  // namespace smartsplat
