// Integer arithmetic on the logarithms of scales: what the precision of a splat follows from.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "coding/splat_stream.h"

namespace smartsplat {

constexpr int kLogBits = 4;  // logarithms are in 1/16 octaves

// round(16 log2(1 + m / 16)) for m = 0..15
inline constexpr std::array<int, 16> kLogTable = {0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15};
// round(65536 2^(-m / 16)) for m = 0..15
inline constexpr std::array<int, 16> kPowerTable = {65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393,
                                                    46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219};
// round(65536 cos^2(pi (i + 1/2) / 64)) for i = 0..31; it is the same for 63 - i.
inline constexpr std::array<int, 32> kCosineTable = {
    65497, 65181, 64554, 63621, 62390, 60874, 59088, 57047, 54774, 52288, 49614, 46778, 43807, 40730, 37576, 34376,
    31160, 27960, 24806, 21729, 18758, 15922, 13248, 10762, 8489,  6448,  4662,  3146,  1915,  982,   355,   39};

// Number of binary digits; 0 for 0.
inline int bit_length(uint32_t value) { return 32 - std::countl_zero(value); }

// About 16 log2(value), for value of 1 or more.
inline int log16(uint32_t value) {
  const int exponent = bit_length(value) - 1;
  return 16 * exponent + kLogTable[((static_cast<uint64_t>(value) << kLogBits) >> exponent) & 15];
}

// About 65536 * 2^(-sixteenths / 16), for 0 or more.
inline int power16(int sixteenths) { return kPowerTable[sixteenths & 15] >> std::min(sixteenths >> 4, 31); }

// Fixed-point value of a number in steps of 2^-bits, in 1/16 octaves, rounded down.
inline int in_sixteenths(int value, int bits) {
  return bits <= kLogBits ? value * (1 << (kLogBits - bits)) : value >> (bits - kLogBits);
}

}  // namespace smartsplat
