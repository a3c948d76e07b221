// The filter of a PNG file's rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/parallel.h"

namespace smartsplat {

// Filters rows of `row_bytes` bytes with Paeth's predictor (PNG specification, third edition, 9.4): each byte less
// what those of the pixel to its left, above, and above left predict. `above` is the row before the first one, null
// for zeros. `out` gets rows of row_bytes + 1 bytes, the number of the filter first.
void paeth_filter(const uint8_t* rows, const uint8_t* above, size_t count, size_t row_bytes, size_t pixel_bytes,
                  uint8_t* out, const Parallel& parallel);

}  // namespace smartsplat
