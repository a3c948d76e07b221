// Choosing the codes of a block of coefficients; only encoders do.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "coding/lattice_models.h"
#include "coding/magnitudes.h"
#include "coding/quantisers.h"
#include "coding/range_coder.h"
#include "format/format.h"

namespace smartsplat {

inline constexpr int kBlockArea = kBlock * kBlock;

// Coefficients of a block in units of the step, row by row, and what becomes of them.
struct BlockValues {
  std::array<float, kBlockArea> values;
  std::array<float, kBlockArea> weights;  // of squared errors
  std::array<int, kBlockArea> codes;
};

// The path of least cost through a block: weighted squared error and lambda times the bits, by the models as they are
// before the block. For each state of the quantisers the best path that ends there survives, with the magnitudes on it.
template <Orientation kOrientation>
class Trellis {
 public:
  Trellis(BandModels& models, const SignModels& signs, const Surroundings& around, const Area& area, float lambda,
          QuantiserState first)
      : models_(models), signs_(signs), around_(around), area_(area), lambda_(lambda) {
    look_around();
    Survivor outside;
    outside.row = borders_[1];
    outside.above = borders_[0];
    survivors_[0].fill(outside);
    survivors_[0][static_cast<size_t>(first.index())].cost = 0;
  }

  // The cost without the block's flag.
  float choose(BlockValues& block) {
    look_at_signs(block);
    size_t i = 0;
    for (int y = area_.top; y < area_.bottom; ++y) {
      const RowContexts<kOrientation> contexts(around_, y);
      begin_row(y - area_.top);
      for (int x = area_.left; x < area_.right; ++x, ++i) {
        extend(block.values[i], block.weights[i], {contexts.beyond(x), contexts.signs_beyond(x)}, i, y - area_.top,
               x - area_.left);
      }
    }
    return trace_back(block, i);
  }

 private:
  static constexpr float kNone = std::numeric_limits<float>::infinity();
  static constexpr size_t kStride = 16;  // two signs on the left of the block, one on its right
  static constexpr ptrdiff_t kUp = -static_cast<ptrdiff_t>(kStride);
  static constexpr size_t kCodes = 3;  // that are next to a magnitude, with either quantiser
  static constexpr size_t kGroups = std::tuple_size_v<decltype(BandModels::rest)>;

  // A row of the block's magnitudes, of 4 bits each, with the two on its left and the one on its right: copied so often
  // that memory would be slow.
  using PackedRow = uint64_t;
  static_assert(Magnitudes::kGreatest < 16 && kBlock + 3 <= 16);
  // By how many places it is to the left or right of a column of the block.
  static int magnitude_at(PackedRow row, int column, int place) {
    return static_cast<int>(row >> (4 * (column + 2 + place)) & 15);
  }

  struct Survivor {
    float cost = kNone;
    PackedRow row = 0, above = 0, further = 0;
  };
  // What does not depend on the path.
  struct Beyond {
    CoefficientContext context;
    int signs;
  };
  // What one coefficient adds to a path.
  struct Branch {
    float cost;
    int code;
  };
  using Branches = std::array<Branch, 2>;  // by the parity of the code
  // The codes next to a magnitude that a quantiser has, and their weighted squared errors.
  struct Candidates {
    int odd, even;
    float odd_error, even_error;
  };
  // What they cost: not being zero, without the sign, being zero, and the rest of either.
  struct Prices {
    float nonzero, zero, odd, even;
  };
  struct Step {
    std::array<uint8_t, kQuantiserStates> from;
    std::array<int, kQuantiserStates> code;
  };

  // The magnitudes around the block, from two rows above it on.
  void look_around() {
    for (int y = -2; y < area_.rows(); ++y) {
      const uint8_t* const known = around_.own->at(area_.top + y, area_.left - 2);
      PackedRow row = 0;
      for (int x = 0; x < area_.columns() + 3; ++x) row |= PackedRow{known[x]} << 4 * x;
      borders_[static_cast<size_t>(y + 2)] = row;
    }
  }

  void begin_row(int y) {
    for (Survivor& survivor : survivors_[now_]) {
      survivor.further = survivor.above;
      survivor.above = survivor.row;
      survivor.row = borders_[static_cast<size_t>(y + 2)];
    }
  }

  // The signs of all that is in the block or before it, as far as it is not zero.
  void look_at_signs(const BlockValues& block) {
    for (int y = -2; y < area_.rows(); ++y) {
      std::copy_n(around_.own->signs(area_.top + y, area_.left - 2), area_.columns() + 3,
                  around_signs_.data() + static_cast<size_t>(y + 2) * kStride);
    }
    size_t i = 0;
    for (int y = 0; y < area_.rows(); ++y) {
      int8_t* const row = around_signs_.data() + static_cast<size_t>(y + 2) * kStride + 2;
      for (int x = 0; x < area_.columns(); ++x) row[x] = block.values[i++] < 0 ? -1 : 1;
    }
  }

  // The third magnitude of a sign's context.
  static int third_of(const Survivor& survivor, int column) {
    return kOrientation == kHL ? magnitude_at(survivor.further, column, 0) : magnitude_at(survivor.row, column, -2);
  }

  // Which of the prices of a sign a path has.
  static size_t sign_case(const Survivor& survivor, int column) {
    return static_cast<size_t>(magnitude_at(survivor.row, column, -1) != 0) +
           2 * static_cast<size_t>(third_of(survivor, column) != 0);
  }

  static int activity(const Survivor& survivor, int column) {
    const int w = magnitude_at(survivor.row, column, -1), n = magnitude_at(survivor.above, column, 0),
              sides = magnitude_at(survivor.above, column, -1) + magnitude_at(survivor.above, column, 1);
    int sum = 2 * (w + n) + sides;
    if (kOrientation == kHL) sum += n + magnitude_at(survivor.further, column, 0);
    if (kOrientation == kLH) sum += w + magnitude_at(survivor.row, column, -2);
    if (kOrientation == kHH) sum += sides;
    return activity_of(sum);
  }

  // What the sign of a coefficient costs, by whether the one before it and the third one of its context are zero. Paths
  // seldom differ in the row above: one stands for all.
  std::array<float, 4> sign_prices(int y, int column, int beyond) const {
    const int8_t* const signs =
        around_signs_.data() + static_cast<size_t>(y + 2) * kStride + static_cast<size_t>(column + 2);
    const int upper = magnitude_at(survivors_[now_][0].above, column, 0) ? signs[kUp] : 0;
    const int third = around_.first ? 0 : 3 * signs[third_sign<kOrientation>(kUp)];
    const auto cost = [&](int left, int other) {
      const SignContext context(left, upper, beyond + other);
      return static_cast<float>(price(signs_[context.model()], context.turned(signs[0] < 0)));
    };
    return {cost(0, 0), cost(signs[-1], 0), cost(0, third), cost(signs[-1], third)};
  }

  // One coefficient more, in that row and column of the block.
  void extend(float value, float weight, const Beyond& beyond, size_t i, int y, int column) {
    const float size = std::min(std::abs(value), static_cast<float>(kGreatestFreeCoefficient));
    const float zero_error = weight * size * size;
    const std::array<Candidates, kQuantisers> candidates{candidates_of(size, weight, 0),
                                                         candidates_of(size, weight, 1)};
    const std::array<float, 4> signs = sign_prices(y, column, beyond.signs);
    rest_.fill(-1);
    priced_ = 0;
    std::array<Branches, kQuantiserStates> branches;
    for (size_t s = 0; s < kQuantiserStates; ++s) {
      const Survivor& survivor = survivors_[now_][s];
      const int quantiser = QuantiserState(static_cast<int>(s)).quantiser();
      const Candidates& codes = candidates[static_cast<size_t>(quantiser)];
      const Prices& prices =
          prices_of(codes, {activity(survivor, column), beyond.context.parent, beyond.context.luma, quantiser}, size);
      const float busy = survivor.cost + lambda_ * (prices.nonzero + signs[sign_case(survivor, column)]);
      branches[s] = {Branch{survivor.cost + zero_error + prices.zero, 0},
                     Branch{busy + codes.odd_error + prices.odd, codes.odd}};
      const float even = busy + codes.even_error + prices.even;
      if (codes.even > 0 && even < branches[s][0].cost) branches[s][0] = {even, codes.even};
    }
    for (size_t s = 0; s < kQuantiserStates; ++s) {
      const auto& [first, second] = kBefore[s];
      const Branch &a = branches[first.state][first.parity], &b = branches[second.state][second.parity];
      const bool later = b.cost < a.cost;
      const Branch& best = later ? b : a;
      const size_t from = later ? second.state : first.state;
      steps_[i].from[s] = static_cast<uint8_t>(from);
      steps_[i].code[s] = best.code;
      Survivor& survivor = survivors_[1 - now_][s];
      survivor = survivors_[now_][from];
      survivor.cost = best.cost;
      survivor.row |= static_cast<PackedRow>(std::min(best.code, Magnitudes::kGreatest)) << 4 * (column + 2);
    }
    now_ = 1 - now_;
  }

  // The even code and the odd one of those next to a magnitude.
  static Candidates candidates_of(float size, float weight, int quantiser) {
    const auto error = [&](int code) {
      const float d = size - static_cast<float>(multiple_of(code, quantiser));
      return weight * d * d;
    };
    const int below = static_cast<int>((size + static_cast<float>(quantiser)) / 2), even = (below + 1) & ~1;
    return {below | 1, even, error(below | 1), error(even)};
  }

  // Those of a coefficient, which few contexts have in all states.
  const Prices& prices_of(const Candidates& codes, const CoefficientContext& context, float size) {
    const size_t number = static_cast<size_t>(context.quantiser * CoefficientContext::kActivities + context.activity);
    Prices& prices = prices_[number];
    if (priced_ >> number & 1) return prices;
    priced_ |= uint32_t{1} << number;
    const BitModel& nonzero = models_.nonzero_at(context, kOrientation);
    prices = {static_cast<float>(price(nonzero, 1)), lambda_ * static_cast<float>(price(nonzero, 0)),
              lambda_ * price_of(codes.odd, context, size),
              codes.even > 0 ? lambda_ * price_of(codes.even, context, size) : 0};
    return prices;
  }

  // Of a code of 1 or more, without its sign.
  float price_of(int code, const CoefficientContext& context, float size) {
    const BitModel& greater = models_.greater_at(context);
    if (code == 1) return static_cast<float>(price(greater, 0));
    const size_t group = BandModels::group_of(context);
    float& rest = rest_[group * kCodes + static_cast<size_t>(code - static_cast<int>(size / 2))];
    if (rest < 0) {
      Pricer pricer;
      models_.rest[group].code(pricer, code - 2);
      rest = static_cast<float>(pricer.price());
    }
    return static_cast<float>(price(greater, 1)) + rest;
  }

  float trace_back(BlockValues& block, size_t count) const {
    const auto& last = survivors_[now_];
    const auto best = std::ranges::min_element(last, {}, &Survivor::cost);
    size_t s = static_cast<size_t>(best - last.begin());
    for (size_t i = count; i-- > 0;) {
      const int code = steps_[i].code[s];
      block.codes[i] = block.values[i] < 0 ? -code : code;
      s = steps_[i].from[s];
    }
    return best->cost;
  }

  BandModels& models_;
  const SignModels& signs_;
  const Surroundings& around_;
  const Area area_;
  const float lambda_;                                               // for 1/65536 bit
  std::array<std::array<Survivor, kQuantiserStates>, 2> survivors_;  // before and after a coefficient
  size_t now_ = 0;
  std::array<Step, kBlockArea> steps_;
  std::array<int8_t, (kBlock + 2) * kStride> around_signs_{};
  std::array<PackedRow, kBlock + 2> borders_{};  // what is known of each row before the block is
  std::array<float, kGroups * kCodes> rest_;     // prices of this coefficient's codes by the models of large ones
  std::array<Prices, size_t{kQuantisers} * CoefficientContext::kActivities> prices_;  // of this coefficient
  uint32_t priced_ = 0;                                                               // which of them are known
};

}  // namespace smartsplat
