// Points of a given density, well spread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"

namespace smartsplat::sampling {

// Writes `count` points, [count, 2] as x and y in cells, with density proportional to `weights`, [height, width].
// Throws Error if a weight is negative or not finite; if all are zero the density is constant.
void sample_density(const float* weights, int height, int width, size_t count, uint64_t seed, double* points,
                    const Parallel& parallel);

}  // namespace smartsplat::sampling
