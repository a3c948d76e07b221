// Splats as they come from Python, and the view of them that a pass computes.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/pixel_splat.h"

namespace smartsplat {

// Columns of a row of parameters; coordinates and scales in px of the picture, angle in radians.
enum Parameter { kCentreX, kCentreY, kScaleX, kScaleY, kAngle, kColour };
constexpr int kParameters = 8;

// A grid of width x height pixels; the picture's point (x, y) is the grid's ((x - left) zoom, (y - top) zoom aspect).
struct View {
  int width, height;
  double zoom, left, top;
  double blur;    // px^2 of the grid, added to both variances of every splat; its mass is kept
  double aspect;  // gradients need 1
};

// The frame of a splat's axes in the view: what the chain rule needs beside the sums.
struct Axes {
  float cosine, sine;
  float variance[2];      // along the axes, with the blur [px^2 of the view]
  float own_variance[2];  // without it
  float amplitude;        // of the peak, relative to the colour
};

// Projects one splat; false if no pixel of any view can see it (parameters not finite, or scale zero).
bool project(const float* parameters, const View& view, PixelSplat& pixel, Axes& axes);

// Gradient of the loss by the centre in units of the splat's own scale along its own axes, by the two log
// scales, the angle and the colour, from the sums of one splat (GatherSums, in double).
void chain_rule(const double* sums, const PixelSplat& pixel, const Axes& axes, float* gradient);

// The derivative of the splat along a direction in the parameters that the gradient is by.
PixelTangent tangent(const float* direction, const Axes& axes);

}  // namespace smartsplat
