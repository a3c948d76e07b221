// Choosing the codes of a block of coefficients; only encoders do.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
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
    Survivors& outside = survivors_[0];
    outside.row.fill(borders_[1]);
    outside.above.fill(borders_[0]);
    outside.cost.fill(kNone);
    outside.cost[static_cast<size_t>(first.index())] = 0;
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

  static size_t quantiser_of(size_t state) {
    return static_cast<size_t>(QuantiserState(static_cast<int>(state)).quantiser());
  }

  template <class T>
  using PerState = std::array<T, kQuantiserStates>;
  // Of each state: apart, since what is written in pieces cannot be read as a whole at once.
  struct Survivors {
    PerState<float> cost;
    PerState<PackedRow> row, above, further;
  };
  // What does not depend on the path.
  struct Beyond {
    CoefficientContext context;
    int signs;
  };
  // The codes next to a magnitude that a quantiser has, and their weighted squared errors.
  struct Candidates {
    int odd, even;
    float odd_error, even_error;
  };
  // What they cost: not being zero, without the sign, being zero, and the rest of either.
  struct Prices {
    float nonzero, zero, odd, even;
  };
  using PerQuantiser = std::array<Candidates, kQuantisers>;
  // By which the states' prices differ: what a sign costs, and the activity.
  struct Contexts {
    PerState<float> sign;
    PerState<size_t> activity;
  };
  // By the parity of the code.
  struct Branches {
    std::array<PerState<float>, 2> cost;
    std::array<PerState<int>, 2> code;
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
    Survivors& paths = survivors_[now_];
    paths.further = paths.above;
    paths.above = paths.row;
    paths.row.fill(borders_[static_cast<size_t>(y + 2)]);
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
  static int third_of(const Survivors& paths, size_t s, int column) {
    return kOrientation == kHL ? magnitude_at(paths.further[s], column, 0) : magnitude_at(paths.row[s], column, -2);
  }

  // Which of the prices of a sign a path has.
  static size_t sign_case(const Survivors& paths, size_t s, int column) {
    return static_cast<size_t>(magnitude_at(paths.row[s], column, -1) != 0) +
           2 * static_cast<size_t>(third_of(paths, s, column) != 0);
  }

  static int activity(const Survivors& paths, size_t s, int column) {
    const int w = magnitude_at(paths.row[s], column, -1), n = magnitude_at(paths.above[s], column, 0),
              sides = magnitude_at(paths.above[s], column, -1) + magnitude_at(paths.above[s], column, 1);
    int sum = 2 * (w + n) + sides;
    if (kOrientation == kHL) sum += n + magnitude_at(paths.further[s], column, 0);
    if (kOrientation == kLH) sum += w + magnitude_at(paths.row[s], column, -2);
    if (kOrientation == kHH) sum += sides;
    return activity_of(sum);
  }

  // What the sign of a coefficient costs, by whether the one before it and the third one of its context are zero. Paths
  // seldom differ in the row above: one stands for all.
  std::array<float, 4> sign_prices(int y, int column, int beyond) const {
    const int8_t* const signs =
        around_signs_.data() + static_cast<size_t>(y + 2) * kStride + static_cast<size_t>(column + 2);
    const int upper = magnitude_at(survivors_[now_].above[0], column, 0) ? signs[kUp] : 0;
    const int third = around_.first ? 0 : 3 * signs[third_sign<kOrientation>(kUp)];
    const auto cost = [&](int left, int other) {
      const SignContext context(left, upper, beyond + other);
      return static_cast<float>(price(signs_[context.model()], context.turned(signs[0] < 0)));
    };
    return {cost(0, 0), cost(signs[-1], 0), cost(0, third), cost(signs[-1], third)};
  }

  // One coefficient more, in that row and column of the block. Hardly anything here is a branch: most would be foreseen
  // wrongly.
  void extend(float value, float weight, const Beyond& beyond, size_t i, int y, int column) {
    const float size = std::min(std::abs(value), static_cast<float>(kGreatestFreeCoefficient));
    const PerQuantiser candidates{candidates_of(size, weight, 0), candidates_of(size, weight, 1)};
    const Contexts contexts = contexts_of(sign_prices(y, column, beyond.signs), column);
    look_up_prices(candidates, contexts, beyond.context, size);
    follow(branches_of(candidates, contexts, weight * size * size), i, column);
  }

  Contexts contexts_of(const std::array<float, 4>& signs, int column) const {
    const Survivors& paths = survivors_[now_];
    Contexts contexts;
    for (size_t s = 0; s < kQuantiserStates; ++s) {
      contexts.sign[s] = signs[sign_case(paths, s, column)];
      contexts.activity[s] = static_cast<size_t>(activity(paths, s, column));
    }
    return contexts;
  }

  // The prices of all activities that some state has: there are few.
  void look_up_prices(const PerQuantiser& candidates, const Contexts& contexts, CoefficientContext context,
                      float size) {
    std::array<uint32_t, kQuantisers> wanted{};  // a bit for each
    for (size_t s = 0; s < kQuantiserStates; ++s) wanted[quantiser_of(s)] |= uint32_t{1} << contexts.activity[s];
    rest_.fill(-1);
    for (size_t q = 0; q < kQuantisers; ++q) {
      for (uint32_t left = wanted[q]; left != 0; left &= left - 1) {
        context.activity = std::countr_zero(left);
        context.quantiser = static_cast<int>(q);
        prices_[q][static_cast<size_t>(context.activity)] = prices_of(candidates[q], context, size);
      }
    }
  }

  // The best even code of each state, and the best odd one.
  Branches branches_of(const PerQuantiser& candidates, const Contexts& contexts, float zero_error) const {
    const PerState<float>& before = survivors_[now_].cost;
    Branches branches;
    for (size_t s = 0; s < kQuantiserStates; ++s) {
      const Candidates& own = candidates[quantiser_of(s)];
      const Prices& prices = prices_[quantiser_of(s)][contexts.activity[s]];
      const float busy = before[s] + lambda_ * (prices.nonzero + contexts.sign[s]);
      const float zero = before[s] + zero_error + prices.zero, even = busy + own.even_error + prices.even;
      branches.code[0][s] = even < zero ? own.even : 0;
      branches.cost[0][s] = std::min(even, zero);
      branches.code[1][s] = own.odd;
      branches.cost[1][s] = busy + own.odd_error + prices.odd;
    }
    return branches;
  }

  // The better of the two branches to each state survives.
  void follow(const Branches& branches, size_t i, int column) {
    const Survivors& paths = survivors_[now_];
    Survivors& after = survivors_[1 - now_];
    for (size_t s = 0; s < kQuantiserStates; ++s) {
      const auto& [first, second] = kBefore[s];
      const float a = branches.cost[first.parity][first.state], b = branches.cost[second.parity][second.state];
      const int code_a = branches.code[first.parity][first.state], code_b = branches.code[second.parity][second.state];
      const size_t from = b < a ? second.state : first.state;
      const int code = b < a ? code_b : code_a;
      steps_[i].from[s] = static_cast<uint8_t>(from);
      steps_[i].code[s] = code;
      after.cost[s] = std::min(b, a);
      const auto magnitude = static_cast<PackedRow>(std::min(code, Magnitudes::kGreatest));
      after.row[s] = paths.row[from] | magnitude << 4 * (column + 2);
      after.above[s] = paths.above[from];
      after.further[s] = paths.further[from];
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

  Prices prices_of(const Candidates& codes, const CoefficientContext& context, float size) {
    const BitModel& nonzero = models_.nonzero_at(context, kOrientation);
    return {static_cast<float>(price(nonzero, 1)), lambda_ * static_cast<float>(price(nonzero, 0)),
            lambda_ * price_of(codes.odd, context, size),
            codes.even > 0 ? lambda_ * price_of(codes.even, context, size) : kNone};
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
    const PerState<float>& costs = survivors_[now_].cost;
    const auto best = std::ranges::min_element(costs);
    size_t s = static_cast<size_t>(best - costs.begin());
    for (size_t i = count; i-- > 0;) {
      const int code = steps_[i].code[s];
      block.codes[i] = block.values[i] < 0 ? -code : code;
      s = steps_[i].from[s];
    }
    return *best;
  }

  BandModels& models_;
  const SignModels& signs_;
  const Surroundings& around_;
  const Area area_;
  const float lambda_;                  // for 1/65536 bit
  std::array<Survivors, 2> survivors_;  // before and after a coefficient
  size_t now_ = 0;
  std::array<Step, kBlockArea> steps_;
  std::array<int8_t, (kBlock + 2) * kStride> around_signs_{};
  std::array<PackedRow, kBlock + 2> borders_{};  // what is known of each row before the block is
  std::array<float, kGroups * kCodes> rest_;     // prices of this coefficient's codes by the models of large ones
  std::array<std::array<Prices, CoefficientContext::kActivities>, kQuantisers> prices_;  // of this coefficient
};

}  // namespace smartsplat
