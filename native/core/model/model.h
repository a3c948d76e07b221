// What a picture is made of: splats, and a lattice of equal Gaussians under them.
#pragma once

#include <cstddef>

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

constexpr double lattice_scale(int spacing) { return spacing == 1 ? kFinestScale : kScale; }

// Nodes at ((i + 1/2) spacing, (j + 1/2) spacing), enough to cover the picture.
struct LatticeShape {
  int width = 0, height = 0;  // of the picture, px
  int spacing = 0;            // px; 0: there is no lattice
  int columns() const { return spacing > 0 ? static_cast<int>((int64_t{width} + spacing - 1) / spacing) : 0; }
  int rows() const { return spacing > 0 ? static_cast<int>((int64_t{height} + spacing - 1) / spacing) : 0; }
  size_t nodes() const { return static_cast<size_t>(columns()) * static_cast<size_t>(rows()); }
};

// A lattice with its nodes' colours [3][rows][columns], which somebody else owns.
struct LatticeValues {
  LatticeShape shape;
  const float* values = nullptr;
};

}  // namespace smartsplat
