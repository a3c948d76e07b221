// Squared error between pictures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"
#include "metrics/plane.h"

namespace smartsplat {

// The sum over all pixels of the squared difference of two planes of equal size; exact, for 16 bits up to 2^32 pixels.
// There for uint8_t and uint16_t.
template <class Sample>
uint64_t squared_error(const Plane<Sample>& a, const Plane<Sample>& b, const Parallel& parallel);

}  // namespace smartsplat
