// Fewer nodes that stand for those of a lattice where it is seen small.
#pragma once

#include <array>
#include <mutex>

#include "common/memory.h"
#include "common/parallel.h"
#include "model/model.h"

namespace smartsplat {

constexpr int kMostLevels = 20;

// By how much the variance of a node of a level is less than that of a node of level 0, in units of the squared spacing
// of level 0: smoothing on the way from level to level has added as much.
double pyramid_variance(int level);

// Each level has half the nodes of the one before along each axis, made by a filter. A view that is blurred by its
// pixels' extent can take a level instead of the nodes themselves as long as a pixel has kLeastNodes of it along each
// axis. The filter and the nodes' new deviation are such that no wave then differs by more than 0.001 of itself, and
// those by which pictures are made of mostly by less than 0.0001.
//
// Levels are made when they are first asked for; together they take a third of the memory of the lattice. To its users
// immutable, so any number of threads may ask at once.
class LatticePyramid {
 public:
  LatticePyramid() = default;
  explicit LatticePyramid(const LatticeValues& finest) : finest_(finest) {}

  // The lattice or its level that a view so small needs. `most_zoom` is the greater of the view's zooms.
  LatticeValues for_zoom(double most_zoom, double blur, const Parallel& parallel) const;

 private:
  LatticeValues level(int level, const Parallel& parallel) const;

  LatticeValues finest_;
  mutable std::array<std::once_flag, kMostLevels> made_;
  mutable std::array<Buffer<float>, kMostLevels> levels_;  // [0] is level 1
};

}  // namespace smartsplat
