// What the pixel kernels know: splats as quadratic forms in pixels of one view, and rectangles of pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/format.h"

namespace smartsplat {

constexpr int kTileSize = 64;                                    // px; three float planes of a tile are 48 KiB
constexpr int kWidestTile = 96;                                  // px, with the halo that SSIM needs, in whole vectors
constexpr int kSlotFloats = 8;                                   // sums of one splat over one tile, see GatherSums
constexpr int kLongestRun = 16;                                  // rows that one seed of the weight recurrence serves
constexpr float kSupport = static_cast<float>(kSupportRadius2);  // q at the cutoff

// Where one splat lies in the pixel grid of a view. Coordinates count pixels from the centre of pixel (0, 0). At the
// offset (dx, dy) from its centre, the weight's log2 is ridge dx^2 + yy (dy - slope dx)^2: a square completed, for
// the expanded polynomial loses all digits on long thin splats.
template <class Real>
struct Outline {
  Real x, y;
  Real ridge, yy, slope;    // ridge and yy below 0
  Real decay;               // 2^(2 yy): ratio of the weight's ratios from row to row
  Real run_decay;           // the same over `run` rows
  Real x_extent, y_extent;  // half sides of the box around the support; below 0 if there is nothing to see
  Real x_at_top;            // dx at which the support reaches dy = +y_extent
  Real reach, bend;         // the support at dx is slope dx +- sqrt(reach - bend dx^2)
  int32_t run;              // rows one seed serves, 1..kLongestRun
};

struct PixelSplat : Outline<float> {
  float colour[3];  // peak amplitude
};

// A splat whose colour lies elsewhere. In single precision it is a line of the cache.
template <class Real>
struct alignas(64) PlacedSplat : Outline<Real> {
  Real strength;  // see blending
};

// Derivative of a splat's values along a direction in its parameters: weight * (colour + amplitude * (one +
// x dx + y dy + xx dx^2 + xy dx dy + yy dy^2)).
struct PixelTangent {
  float one, x, y, xx, xy, yy;
  float colour[3];
};

// A rectangle of pixels in several planes. (x, y) is its first pixel in the view.
template <class Real, int kPlanes>
struct TileOf {
  Real* plane[kPlanes];
  int stride;  // numbers from row to row, a multiple of 16
  int x, y;
  int width, height;
};
using Tile = TileOf<float, 3>;

// The splats that touch a tile, and where each one's sums go.
struct TileIds {
  const uint32_t* ids;
  const uint32_t* slots;
  size_t count;
};
struct TileList {
  const PixelSplat* splats;
  const uint32_t* ids;
  const uint32_t* slots;
  size_t count;
};

// The picture that a loss compares with, in planes of the view's size: samples of 8 bits, or of 16 if it is wide.
struct Target {
  const void* plane[3];
  int width, height;  // also the rows' stride
  bool wide = false;

  template <class Sample>
  const Sample* row(int channel, int y) const {
    return static_cast<const Sample*>(plane[channel]) + static_cast<ptrdiff_t>(y) * width;
  }
};

constexpr int kCellSize = 8;  // px, of the map of errors

// Order of the sums that gather() writes; g is the plane's value, v = <colour, g>, w the weight.
enum GatherSums { kRed, kGreen, kBlue, kX, kY, kXX, kXY, kYY };  // sums of w g, then of w v dx, ...

}  // namespace smartsplat
