// Counter-based random numbers: a value depends on its stream and its number only, so loops may run in any order.
#pragma once

#include <cstdint>

namespace smartsplat::sampling {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection.
inline uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// The number `counter` of a stream, 64 bits.
inline uint64_t random_bits(uint64_t stream, uint64_t counter) {
  return mix(stream + (counter + 1) * 0x9e3779b97f4a7c15u);
}

// A stream of its own for every `index` of a stream.
inline uint64_t substream(uint64_t stream, uint64_t index) { return random_bits(mix(~stream), index); }

// Uniform in [0, 1), a multiple of 2^-53.
inline double unit_interval(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

}  // namespace smartsplat::sampling
