// Scale-adaptive colour sampling: Gaussian-weighted medians (Eq. 18 to 20).
#pragma once

#include <cstddef>

#include "common/parallel.h"
#include "sampling/features.h"

namespace smartsplat::sampling {

// A disc whose box holds more pixels than this is read on every second, third, ... row and column.
constexpr int kMostSamples = 4096;

// The weighted median of each channel around centres[i], [count, 2], within a distance of scales[i], both in px:
// the lower one where two levels divide the weights equally. `colours` is [count, 3], 1 for the level 255.
void median_colours(const Picture& picture, const float* centres, const float* scales, size_t count, float* colours,
                    const Parallel& parallel);

}  // namespace smartsplat::sampling
