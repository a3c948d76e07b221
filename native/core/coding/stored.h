// The probabilities that adaptive models begin with: learned from pictures, see benchmarks/learn_probabilities.py.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "coding/range_coder.h"

namespace smartsplat {

// A model among those that are counted together, so many after the last stored one; all others begin with one half,
// having seen nothing. Few digits, which pack well: for browsers the tables are a good part of the decoder.
struct StoredModel {
  uint16_t gap;
  uint8_t probability, seen;
};

// By columns, which pack better still.
template <size_t kCount>
struct StoredColumns {
  explicit constexpr StoredColumns(const StoredModel (&models)[kCount]) {
    for (size_t i = 0; i < kCount; ++i) {
      gaps[i] = models[i].gap;
      probabilities[i] = models[i].probability;
      seen[i] = models[i].seen;
    }
  }
  std::array<uint16_t, kCount> gaps{};
  std::array<uint8_t, kCount> probabilities{}, seen{};
};

// A struct of nothing but models, in its own order.
template <class Models, size_t kCount>
Models with_stored(const StoredColumns<kCount>& stored) {
  static_assert(sizeof(Models) % sizeof(BitModel) == 0 && std::is_trivially_copyable_v<Models>);
  auto all = std::make_unique<std::array<BitModel, sizeof(Models) / sizeof(BitModel)>>();
  size_t place = 0;
  for (size_t i = 0; i < kCount; ++i) {
    place += stored.gaps[i];
    (*all)[place] = BitModel(static_cast<uint16_t>(256 * stored.probabilities[i] + 128), stored.seen[i]);
  }
  return std::bit_cast<Models>(*all);
}

}  // namespace smartsplat
