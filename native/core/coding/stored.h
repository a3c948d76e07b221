// The probabilities that adaptive models begin with: learned from pictures, see benchmarks/learn_probabilities.py.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "coding/range_coder.h"

namespace smartsplat {

// A model among those that are counted together, so many after the last stored one; all others begin with one half,
// having seen nothing. Few digits, which pack well: for browsers the tables are a good part of the decoder.
struct StoredModel {
  uint16_t gap;
  uint8_t probability, seen;
};

// A struct of nothing but models, in its own order.
template <class Models>
Models with_stored(std::span<const StoredModel> stored) {
  static_assert(sizeof(Models) % sizeof(BitModel) == 0 && std::is_trivially_copyable_v<Models>);
  auto all = std::make_unique<std::array<BitModel, sizeof(Models) / sizeof(BitModel)>>();
  size_t place = 0;
  for (const StoredModel& s : stored) {
    place += s.gap;
    (*all)[place] = BitModel(static_cast<uint16_t>(256 * s.probability + 128), s.seen);
  }
  return std::bit_cast<Models>(*all);
}

}  // namespace smartsplat
