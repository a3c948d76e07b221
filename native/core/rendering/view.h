// A view of the picture, and splats projected into it.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "model/model.h"
#include "rendering/pixel_splat.h"

namespace smartsplat {

// A grid of width x height pixels; the picture's point (x, y) is the grid's ((x - left) zoom, (y - top) zoom aspect).
struct View {
  int width, height;
  double zoom, left, top;
  double blur;    // px^2 of the grid, added to both variances of every splat; its mass is kept
  double aspect;  // gradients need 1
};

// A part of the picture, px of the picture.
struct Region {
  double x, y, width, height;
};

// The view of a region at a scale, pixels of the result for each px. Its sides are the region's times the scale,
// rounded, at least 1. Seen smaller, a pixel stands for the mean of 1 / scale^2 pixels; as far as the second moment
// goes, that is a blur of (1 - scale^2) / 12 px^2. Borders may be off the picture by a rounding error. Throws Error if
// the region is empty or not within the picture, a side is beyond kGreatestViewSide, or a pixel is smaller than
// 1 / kGreatestZoom px.
View view_of(int width, int height, const Region& region, double scale);
constexpr int kGreatestViewSide = 1 << 30;
// Up to here the variances of all splats that a file can hold are far from the end of single precision.
constexpr double kGreatestZoom = 1LL << 32;

// Whether everything that is made of a view stays within double precision: all numbers are finite, the sides at most
// kGreatestViewSide, the zooms along x and y 1 / kGreatestZoom to 2 kGreatestZoom, the corner within 2^96 px of the
// picture's, and the blur 0 to kGreatestZoom. Views of view_of are.
bool is_computable(const View& view);

// The frame of a splat's axes in the view: what the chain rule needs beside the sums.
struct Axes {
  float cosine, sine;
  float variance[2];      // along the axes, with the blur [px^2 of the view]
  float own_variance[2];  // without it
  float amplitude;        // of the peak, relative to the colour
};

// Cosine and sine of a splat's angle, which no view changes.
struct Turn {
  float cosine, sine;
};
inline Turn turn_of(const float* parameters) { return {std::cos(parameters[kAngle]), std::sin(parameters[kAngle])}; }

// Projects one splat. One that no pixel of any view can see (parameters not finite, or scale zero) becomes empty: its
// extent is below 0, and its axes are harmless.
void project(const float* parameters, const Turn& turn, const View& view, PixelSplat& pixel, Axes& axes);

// Gradient of the loss by the centre in units of the splat's own scale along its own axes, by the two log
// scales, the angle and the colour, from the sums of one splat (GatherSums, in double).
void chain_rule(const double* sums, const PixelSplat& pixel, const Axes& axes, float* gradient);

// The derivative of the splat along a direction in the parameters that the gradient is by.
PixelTangent tangent(const float* direction, const Axes& axes);

}  // namespace smartsplat
