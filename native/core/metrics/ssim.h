// Structural similarity at several scales, as the Python package pytorch_msssim (1.0.0) computes it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"
#include "metrics/plane.h"

namespace smartsplat {

constexpr size_t kSsimTaps = 11;
constexpr int kSsimLevels = 5;  // as many as sums of 8-bit samples stay exact in 16 bits

// Means over all places where the window lies wholly inside the picture.
struct Similarity {
  double ssim = 0;
  double contrast = 0;  // contrast times structure, SSIM without its luminance factor
};

// The similarity of two planes of equal size, then of both at half the size, and so on: one entry of `out` for each
// level, 1 to kSsimLevels. No level may be smaller than kSsimTaps on a side.
void ssim_levels(const Plane<uint8_t>& a, const Plane<uint8_t>& b, int levels, Similarity* out,
                 const Parallel& parallel);

}  // namespace smartsplat
