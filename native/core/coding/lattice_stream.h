// The streams of the lattice: quantised wavelet coefficients, band by band from the coarsest.
// coding/SPEC.md describes them; every number that decides how bits are read is an integer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/parallel.h"

namespace smartsplat {

// Coefficients of `planes` planes (1 or 3) of rows x columns, as wavelet_forward orders them.
struct LatticeSize {
  int planes, rows, columns;
  size_t plane() const { return static_cast<size_t>(rows) * static_cast<size_t>(columns); }
  size_t count() const { return static_cast<size_t>(planes) * plane(); }
  // Large lattices are cut into strips of rows with a stream each, so that several threads can read them.
  int strips() const;
};

// One stream for each strip. Each coefficient times `scale` becomes the integer of least squared error plus `lambda`
// times its bits, for which a smaller one may be taken; `quantised` gets them.
std::vector<std::vector<uint8_t>> encode_lattice(std::span<const float> coefficients, const LatticeSize& size,
                                                 float scale, double lambda, std::span<int32_t> quantised,
                                                 const Parallel& parallel);

// Throws Error if the bytes cannot be such streams, of which there is one for each strip.
void decode_lattice(std::span<const std::span<const uint8_t>> streams, const LatticeSize& size,
                    std::span<int32_t> values, const Parallel& parallel);

}  // namespace smartsplat
