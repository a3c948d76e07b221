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

// The model at a place among those that are counted together; all others begin with one half, having seen nothing.
struct StoredModel {
  uint16_t place, probability;
  uint8_t seen;
};

// A struct of nothing but models, in its own order.
template <class Models>
Models with_stored(std::span<const StoredModel> stored) {
  static_assert(sizeof(Models) % sizeof(BitModel) == 0 && std::is_trivially_copyable_v<Models>);
  auto all = std::make_unique<std::array<BitModel, sizeof(Models) / sizeof(BitModel)>>();
  for (const StoredModel& s : stored) (*all)[s.place] = BitModel(s.probability, s.seen);
  return std::bit_cast<Models>(*all);
}

}  // namespace smartsplat
