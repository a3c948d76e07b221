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
    const Survivor outside = around_block();
    for (auto& survivors : survivors_) survivors.fill(outside);
    survivors_[0][static_cast<size_t>(first.index())].cost = 0;
  }

  // The cost without the block's flag.
  float choose(BlockValues& block) {
    look_at_signs(block);
    size_t i = 0;
    for (int y = area_.top; y < area_.bottom; ++y) {
      const RowContexts<kOrientation> contexts(around_, y);
      for (int x = area_.left; x < area_.right; ++x, ++i) {
        extend(block.values[i], block.weights[i], {contexts.beyond(x), contexts.signs_beyond(x)}, i, y - area_.top, x);
      }
    }
    return trace_back(block, i);
  }

 private:
  static constexpr float kNone = std::numeric_limits<float>::infinity();
  static constexpr size_t kStride = 16;  // two magnitudes on the left of the block, one on its right
  static constexpr ptrdiff_t kUp = -static_cast<ptrdiff_t>(kStride);
  static constexpr size_t kRowsSeen = 3;
  static constexpr size_t kCodes = 3;  // that are next to a magnitude, with either quantiser
  static constexpr size_t kGroups = std::tuple_size_v<decltype(BandModels::rest)>;

  struct Survivor {
    float cost = kNone;
    std::array<uint8_t, (kBlock + 2) * kStride> known{};
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
  struct Step {
    std::array<uint8_t, kQuantiserStates> from;
    std::array<int, kQuantiserStates> code;
  };

  Survivor around_block() const {
    Survivor survivor;
    for (int y = -2; y < area_.rows(); ++y) {
      std::copy_n(around_.own->at(area_.top + y, area_.left - 2), area_.columns() + 3,
                  survivor.known.data() + static_cast<size_t>(y + 2) * kStride);
    }
    return survivor;
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

  // Which of the prices of a sign a path has.
  static size_t sign_case(const uint8_t* known) {
    return static_cast<size_t>(known[-1] != 0) + 2 * static_cast<size_t>(known[third_sign<kOrientation>(kUp)] != 0);
  }

  // What the sign of a coefficient costs, by whether the one before it and the third one of its context are zero. Paths
  // seldom differ in the row above: one stands for all.
  std::array<float, 4> sign_prices(size_t at, int beyond) const {
    const int8_t* const signs = around_signs_.data() + at;
    const int upper = survivors_[now_][0].known[at - kStride] ? signs[kUp] : 0;
    const int third = around_.first ? 0 : 3 * signs[third_sign<kOrientation>(kUp)];
    const auto cost = [&](int left, int other) {
      const SignContext context(left, upper, beyond + other);
      return static_cast<float>(price(signs_[context.model()], context.turned(signs[0] < 0)));
    };
    return {cost(0, 0), cost(signs[-1], 0), cost(0, third), cost(signs[-1], third)};
  }

  // One coefficient more, in that row of the block.
  void extend(float value, float weight, const Beyond& beyond, size_t i, int y, int x) {
    CoefficientContext context = beyond.context;
    const float size = std::min(std::abs(value), static_cast<float>(kGreatestFreeCoefficient));
    const size_t at = static_cast<size_t>(y + 2) * kStride + static_cast<size_t>(x - area_.left + 2);
    const std::array<float, 4> signs = sign_prices(at, beyond.signs);
    rest_.fill(-1);
    std::array<Branches, kQuantiserStates> branches;
    for (size_t s = 0; s < kQuantiserStates; ++s) {
      const Survivor& survivor = survivors_[now_][s];
      context.activity = activity_at<kOrientation>(survivor.known.data() + at, kUp);
      context.quantiser = QuantiserState(static_cast<int>(s)).quantiser();
      branches[s] = branches_of(survivor.cost, size, weight, context, signs[sign_case(survivor.known.data() + at)]);
    }
    for (size_t s = 0; s < kQuantiserStates; ++s) {
      const auto& [first, second] = kBefore[s];
      const Branch &a = branches[first.state][first.parity], &b = branches[second.state][second.parity];
      const bool later = b.cost < a.cost;
      const Branch& best = later ? b : a;
      const size_t from = later ? second.state : first.state;
      steps_[i].from[s] = static_cast<uint8_t>(from);
      steps_[i].code[s] = best.code;
      survive(from, s, best, static_cast<size_t>(y) * kStride, at);
    }
    now_ = 1 - now_;
  }

  // The best even code and the best odd one, of those next to a magnitude, and zero.
  Branches branches_of(float before, float size, float weight, const CoefficientContext& context, float sign) {
    const BitModel& nonzero = models_.nonzero_at(context, kOrientation);
    const float busy = before + lambda_ * (static_cast<float>(price(nonzero, 1)) + sign);
    const auto with = [&](int code) {
      const float d = size - static_cast<float>(multiple_of(code, context.quantiser));
      return Branch{busy + weight * d * d + lambda_ * price_of(code, context, size), code};
    };
    const int below = static_cast<int>((size + static_cast<float>(context.quantiser)) / 2), even = (below + 1) & ~1;
    Branches found{Branch{before + weight * size * size + lambda_ * static_cast<float>(price(nonzero, 0)), 0},
                   with(below | 1)};
    if (even > 0) {
      if (const Branch other = with(even); other.cost < found[0].cost) found[0] = other;
    }
    return found;
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

  // Only the rows that are still looked at are copied.
  void survive(size_t from, size_t to, const Branch& branch, size_t first, size_t at) {
    Survivor& survivor = survivors_[1 - now_][to];
    survivor.cost = branch.cost;
    std::copy_n(survivors_[now_][from].known.data() + first, kRowsSeen * kStride, survivor.known.data() + first);
    survivor.known[at] = static_cast<uint8_t>(std::min(branch.code, Magnitudes::kGreatest));
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
  std::array<float, kGroups * kCodes> rest_;  // prices of this coefficient's codes by the models of large ones
};

}  // namespace smartsplat
