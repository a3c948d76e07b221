// Which splats can reach a region: grids of squares, one for each octave of the splats' reach.
#pragma once

#include <cstdint>
#include <vector>

#include "common/memory.h"
#include "common/parallel.h"
#include "model/model.h"
#include "rendering/view.h"

namespace smartsplat {

class SplatIndex {
 public:
  SplatIndex() = default;
  SplatIndex(const SplatRows& splats, int width, int height);

  // A superset, in ascending order, of the splats that a view can see.
  std::vector<uint32_t> seen_by(const View& view) const;

 private:
  // Squares of 2^log px; the ids of square k are ids[starts[k]] to before ids[starts[k + 1]].
  struct Grid {
    int log = 0, columns = 0, rows = 0;
    double reach = 0;  // no splat here reaches further than this from its centre, px
    std::vector<uint32_t> starts, ids;
  };
  struct Circle {
    float x, y, reach;
  };
  // The area that a view shows, px of the picture.
  struct Area {
    double left, top, right, bottom;
    bool meets(const Circle& circle, double more) const;
  };
  Grid make_grid(int log, const std::vector<uint32_t>& members) const;
  size_t square_of(const Grid& grid, const Circle& circle) const;

  int width_ = 0, height_ = 0;
  std::vector<Circle> circles_;
  std::vector<Grid> grids_;
};

}  // namespace smartsplat
