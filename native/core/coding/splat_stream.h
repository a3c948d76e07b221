// The stream of splats: positions as an unordered set, the other attributes in the order that this gives.
// coding/SPEC.md describes it; every number that decides how bits are read is an integer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "common/parallel.h"
#include "format/format.h"

namespace smartsplat {

// One splat as integers.
struct SplatCode {
  int32_t x, y;       // centre, 1/256 px
  int32_t energy;     // precision class: steps of shape are about 2^-energy of the splat's own size
  int32_t size;       // log2 of the geometric mean of the scales, in steps of 2^-energy
  int32_t ratio;      // log2 of their ratio, 0 or more, in steps of 2^(1 - energy)
  int32_t turn;       // angle / pi, in steps of 2^-turn_bits
  int32_t colour[3];  // luma and two differences, in steps that follow from the base step
};
// Number of bits of the angle, and of fractional bits of the centre (negative: coarser than a pixel).
int turn_bits(const SplatCode& splat);
struct CentreBits {
  int x, y;
};
CentreBits centre_bits(const SplatCode& splat);

// 16 times the log2 of how far a splat reaches, px: never less than it does.
int reach16(const SplatCode& splat);

// What is (0, 0) of centres, px.
struct Origin {
  double x = 0, y = 0;
};

// The parameters that codes stand for (8 floats each, see Parameter) when `base_step` is the colour's step times the
// square root of a splat's area.
void dequantise(std::span<const SplatCode> splats, double base_step, float* parameters, const Parallel& parallel,
                const Origin& origin = {});

// No stream of so many splats is shorter. Many equal splats take next to nothing, but a file must not claim more of
// them than its bytes allow; so zeros follow then.
constexpr uint64_t least_stream_bytes(uint64_t count) {
  return std::max(kSplatSlack, count / kSplatsPerByte + (count % kSplatsPerByte > 0)) - kSplatSlack;
}

// The stream of splats in a rectangle of width x height px at (0, 0). The splats come out in the stream's order, with
// the centres as they will be decoded; a centre that is rounded in x is moved along the splat's ridge in y.
std::vector<uint8_t> encode_splats(std::vector<SplatCode>& splats, int width, int height);

// Throws Error if the bytes cannot be a stream of that many splats.
std::vector<SplatCode> decode_splats(std::span<const uint8_t> bytes, size_t count, int width, int height);

}  // namespace smartsplat
