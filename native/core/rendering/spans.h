// Which squares of a grid a splat meets.
#pragma once

#include <algorithm>
#include <cmath>

#include "rendering/pixel_splat.h"

namespace smartsplat {

// Pixels that a grid of squares lies over; every square sees `halo` pixels beyond its border.
struct GridArea {
  int width, height, halo;
};

// The square of a pixel coordinate, which may lie outside.
template <int kSide, class Real>
int square_of(Real pixel, int squares) {
  if (!(pixel > 0)) return 0;
  constexpr Real scale = Real(1) / kSide;
  const Real square = pixel * scale;
  return square < static_cast<Real>(squares) ? static_cast<int>(square) : squares - 1;
}

// Calls touch(row of squares, first column, last column) for the rows of squares that the support of `s` meets.
template <int kSide, class Real, class Touch>
void for_spans(const GridArea& area, const Outline<Real>& s, Touch touch) {
  const Real halo = static_cast<Real>(area.halo);
  const Real reach_x = s.x_extent + halo, reach_y = s.y_extent + halo;
  const Real right_border = static_cast<Real>(area.width - 1), bottom_border = static_cast<Real>(area.height - 1);
  if (!(s.x_extent > 0) || s.x + reach_x < 0 || s.y + reach_y < 0 || s.x - reach_x > right_border ||
      s.y - reach_y > bottom_border) {
    return;
  }
  const int columns = (area.width + kSide - 1) / kSide, rows = (area.height + kSide - 1) / kSide;
  // The support's ridge as x over y; see Outline for the same as y over x.
  const Real y_at_right = s.x_extent * s.slope;
  const Real slope = s.x_at_top / s.y_extent;
  const Real aspect = s.x_extent / s.y_extent;
  const Real bend = s.bend * aspect * aspect;  // 1 - correlation^2: relative variance of x at a given y
  const Real one_y = 1 / s.y_extent;
  const auto half = [&](Real dy) {
    const Real t = dy * one_y;
    return s.x_extent * std::sqrt(std::max(Real(0), bend * (1 - t * t)));
  };
  const Real margin = Real(1) / 64 + halo;
  const int last_row = square_of<kSide>(s.y + reach_y, rows);
  for (int row = square_of<kSide>(s.y - reach_y, rows); row <= last_row; ++row) {
    const Real first_y = static_cast<Real>(row * kSide) - s.y;
    const Real top = std::clamp(first_y - margin, -s.y_extent, s.y_extent);
    const Real bottom = std::clamp(first_y + (kSide - 1) + margin, -s.y_extent, s.y_extent);
    const Real at_right = std::clamp(y_at_right, top, bottom), at_left = std::clamp(-y_at_right, top, bottom);
    const Real right = s.x + slope * at_right + half(at_right) + margin;
    const Real left = s.x + slope * at_left - half(at_left) - margin;
    if (right < 0 || left > right_border) continue;
    touch(row, square_of<kSide>(left, columns), square_of<kSide>(right, columns));
  }
}

}  // namespace smartsplat
