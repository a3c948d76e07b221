// Squared error between pictures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"
#include "metrics/plane.h"

namespace smartsplat {

// The sum over all pixels of the squared difference of two planes of equal size; exact.
uint64_t squared_error(const Plane<uint8_t>& a, const Plane<uint8_t>& b, const Parallel& parallel);

}  // namespace smartsplat
