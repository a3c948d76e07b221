// Where a frame is drawn to.
#pragma once

#include <cstddef>

#include "common/parallel.h"
#include "rendering/frame.h"

namespace smartsplat {

// Samples of a pixel: rounded to 8 bits, or floats of the picture before it is rounded, in [0, 1].
enum class PixelFormat { kGrey8, kRgb8, kRgba8, kGreyFloat, kRgbFloat };

size_t pixel_bytes(PixelFormat format);

// Rows of pixels in memory.
struct Surface {
  PixelFormat format;
  void* pixels;
  ptrdiff_t stride;  // bytes from row to row
};

// The surface from a pixel on.
Surface part_of(const Surface& surface, int x, int y);

// Draws the picture: the sums clamped to [0, 1]. A grey surface gets the first channel; alpha is opaque.
void draw(const Frame& frame, const Surface& surface, const Parallel& parallel);

// The sums as they are, [height][width][3].
void draw_sums(const Frame& frame, float* rgb, const Parallel& parallel);

}  // namespace smartsplat
