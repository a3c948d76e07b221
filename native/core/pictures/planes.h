// Layouts and sizes of pictures of 8 or 16 bits: both templates are there for uint8_t and uint16_t.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"

namespace smartsplat {

// Interleaved samples [height, width, 3] as planes [3, height, width].
template <class Sample>
void to_planes(const Sample* pixels, size_t height, size_t width, Sample* planes, const Parallel& parallel);

// Planes [count, height, width] at half their size, rounded up: each sample is the rounded mean of the 2x2 above
// it, or of those of the 2x2 that exist at an odd edge.
template <class Sample>
void halve(const Sample* planes, size_t count, size_t height, size_t width, Sample* halves, const Parallel& parallel);

}  // namespace smartsplat
