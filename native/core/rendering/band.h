// Rows that slide down a picture, and the blocks of them that SSIM is taken of.
#pragma once

#include <cstddef>

#include "rendering/pixel_splat.h"

namespace smartsplat {

constexpr int kBandPlane = kTileSize * kTileSize + 16;  // floats; equal pixels of two planes share no set of the cache

// Rows of tiles, each of which has its three planes of kTileSize x kTileSize pixels side by side. Row r of a picture's
// tiles lies at the place r modulo `rows`.
struct Band {
  float* tiles;
  int columns, rows;
};

// A rectangle of one channel of a view.
struct SsimBlock {
  int channel;
  int left, top, width, height;
};

// Two pictures [height][width][channels] in memory and the gradient by the first one, which is clamped to [0, 1] before
// it is compared if that is wanted.
struct SsimPictures {
  const float *picture, *target;
  float* gradient;
  int width, height, channels;
  bool clamped;
};

// The two parts of the paper's loss.
struct SsimTerms {
  double absolute, ssim;
};

constexpr int kSsimRadius = 5;              // the window has 11 taps
constexpr int kSsimHalo = 2 * kSsimRadius;  // rows and columns around a block that its gradient depends on
constexpr int kSsimGroup = 8;               // rows that are filtered at a time
constexpr int kSsimColumns = 640;           // of a block at most, with its halo if it is not as wide as the view

// Width of such a block at most: whole tiles.
constexpr int kSsimBlockWidth = (kSsimColumns - 2 * kSsimHalo) / kTileSize * kTileSize;

// Floats that the kernel works in: rows of the two pictures (2), of what is filtered along them (4 and 3), of what is
// to be filtered (2, and 3 for each row of a group), and of results.
constexpr size_t kSsimWideRow = kSsimColumns + static_cast<size_t>(kSsimHalo) * 16;
constexpr size_t kSsimScratch = (kSsimGroup + kSsimHalo) * (2 * kSsimWideRow + 7 * kSsimColumns) +
                                (2 + 3 * kSsimGroup) * kSsimWideRow + (kSsimGroup + 4) * kSsimColumns;

}  // namespace smartsplat
