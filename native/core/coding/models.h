// Adaptive models of numbers, as sequences of modelled bits.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>

#include "coding/range_coder.h"
#include "common/apart.h"

namespace smartsplat {

// A number below 2^Bits, the most significant bit first, each bit modelled after those before it.
template <int Bits>
class SymbolModel {
 public:
  template <class Coder>
  int code(Coder& coder, int value = 0) {
    int node = 1;
    for (int i = Bits - 1; i >= 0; --i) node = 2 * node + coder.bit(nodes_[node], value >> i & 1);
    return node - (1 << Bits);
  }

 private:
  std::array<BitModel, size_t{1} << Bits> nodes_;
};

// A number from 0 to about a million: the length of value + 1 in unary, then its digits after the first, of
// which the leading two are modelled.
class MagnitudeModel {
 public:
  static constexpr int kLongest = 20;

  template <class Coder>
  SMARTSPLAT_APART int code(Coder& coder, int value = 0) {
    const uint32_t number = static_cast<uint32_t>(value) + 1;
    int length = 0;
    while (length < kLongest && coder.bit(length_[length], static_cast<int>(number >> (length + 1) != 0))) ++length;
    uint32_t result = 1;
    for (int i = length - 1; i >= 0; --i) {
      const int digit = static_cast<int>(number >> i & 1);
      const int depth = length - 1 - i;
      if (depth < 2) {
        BitModel& model = digits_[length][depth == 0 ? 0 : (result & 1) + 1];
        result = result << 1 | static_cast<uint32_t>(coder.bit(model, digit));
      } else {
        result = result << 1 | coder.raw(1, static_cast<uint32_t>(digit));
      }
    }
    return static_cast<int>(result) - 1;
  }

 private:
  std::array<BitModel, kLongest> length_;
  std::array<std::array<BitModel, 3>, kLongest + 1> digits_;
};

// A signed number: whether it is zero, its sign, and the rest of its magnitude.
class SignedModel {
 public:
  template <class Coder>
  int code(Coder& coder, int value = 0) {
    if (!coder.bit(nonzero_, value != 0)) return 0;
    const int negative = coder.bit(sign_, value < 0);
    const int magnitude = 1 + magnitude_.code(coder, std::abs(value) - 1);
    return negative ? -magnitude : magnitude;
  }

 private:
  BitModel nonzero_, sign_;
  MagnitudeModel magnitude_;
};

}  // namespace smartsplat
