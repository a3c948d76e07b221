// Where a frame is drawn to.
#pragma once

#include <cstddef>

#include "common/parallel.h"
#include "rendering/frame.h"

namespace smartsplat {

// Rounded to 8 or 16 bits, or floats of the picture before it is rounded, in [0, 1].
enum class Samples { kBytes, kWords, kFloats };

size_t sample_bytes(Samples samples);

// Rows of pixels in memory.
struct Surface {
  Samples samples;
  int channels;  // that are drawn: 1 is the first, 3 are all, 4 are these and an opaque alpha
  int step;      // samples from pixel to pixel, at least as many as the channels
  void* pixels;
  ptrdiff_t stride;  // bytes from row to row

  size_t pixel_bytes() const { return static_cast<size_t>(step) * sample_bytes(samples); }
};

// The surface from a pixel on.
Surface part_of(const Surface& surface, int x, int y);

// One of its samples, of those of a pixel that are not drawn.
Surface channel_of(const Surface& surface, int channel);

// Writes the sums of a tile, clamped to [0, 1], to a surface of which it is the corner.
void write_tile(const Tile& tile, const Surface& corner);

// Draws the picture: the sums clamped to [0, 1].
void draw(const Frame& frame, const Surface& surface, const Parallel& parallel);

// The sums as they are, [height][width][3].
void draw_sums(const Frame& frame, float* rgb, const Parallel& parallel);

}  // namespace smartsplat
