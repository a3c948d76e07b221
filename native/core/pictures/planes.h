// Layouts and sizes of 8-bit pictures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"

namespace smartsplat {

// Interleaved samples [height, width, 3] as planes [3, height, width].
void to_planes(const uint8_t* pixels, size_t height, size_t width, uint8_t* planes, const Parallel& parallel);

// Planes [count, height, width] at half their size, rounded up: each sample is the rounded mean of the 2x2 above
// it, or of those of the 2x2 that exist at an odd edge.
void halve(const uint8_t* planes, size_t count, size_t height, size_t width, uint8_t* halves, const Parallel& parallel);

}  // namespace smartsplat
