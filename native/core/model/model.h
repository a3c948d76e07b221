// What a picture is made of: splats, and a lattice of equal Gaussians under them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/format.h"

namespace smartsplat {

// Columns of a row of a splat's parameters; coordinates and scales (standard deviations along the axes) in px of the
// picture, the angle in radians, colours where 1.0 is 8-bit 255.
enum Parameter { kCentreX, kCentreY, kScaleX, kScaleY, kAngle, kColour };
constexpr int kParameters = 8;

// Rows of kParameters floats, which somebody else owns.
struct SplatRows {
  const float* rows = nullptr;
  size_t count = 0;
  const float* operator[](size_t i) const { return rows + i * kParameters; }
};

// Nodes beyond each border of the picture that the levels of a pyramid have, see lattice/pyramid.h.
constexpr int kPyramidMargin = 6;

// Nodes at ((i + 1/2) spacing, (j + 1/2) spacing), enough to cover the picture. On a level of a pyramid above 0 they
// are 2^level as far apart, and there are some more around the picture.
struct LatticeShape {
  int width = 0, height = 0;  // of the picture, px
  int spacing = 0;            // px, at level 0; 0: there is no lattice
  int level = 0;
  int low = 0;  // the low band of that level of the wavelet transform stands for the nodes, see lattice/low_band.h
  int columns() const { return along(width); }
  int rows() const { return along(height); }
  int before() const { return level > 0 ? kPyramidMargin : 0; }  // nodes before the picture's border
  size_t nodes() const { return static_cast<size_t>(columns()) * static_cast<size_t>(rows()); }

 private:
  int along(int side) const {
    if (spacing <= 0) return 0;
    const int64_t pitch = int64_t{spacing} << (level + low);
    return static_cast<int>((int64_t{side} + pitch - 1) / pitch) + 2 * before();
  }
};

// A lattice with its nodes' colours [3][rows][columns], which somebody else owns.
struct LatticeValues {
  LatticeShape shape;
  const float* values = nullptr;
};

}  // namespace smartsplat
