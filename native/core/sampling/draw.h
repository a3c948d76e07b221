// Variational sampling (Eq. 11 and 12): pixels drawn without replacement, in proportion to their weights.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"
#include "sampling/features.h"

namespace smartsplat::sampling {

// Draws counts[i] pixels from tile i of the tiling and writes their centres, [sum of counts, 2], and their weights.
// A tile takes no pixel twice, nor one that an overlapping tile has taken before, while it has others left.
void draw_points(const Picture& picture, const Tiling& tiling, const int64_t* counts, float lambda_m, uint64_t seed,
                 float* centres, float* weights, const Parallel& parallel);

}  // namespace smartsplat::sampling
