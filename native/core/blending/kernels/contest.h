// Which splats are the k strongest of every pixel.
//
// Strengths are compared as binary logarithms, "levels". In each row of a square the first pass finds the k-th best
// level of every pixel, the second takes the splats that reach it; of several that are exactly there the first ones.
#pragma once

#include "blending/kernels/sum.h"

namespace {

using smartsplat::kMixSize;
using smartsplat::MixList;
using smartsplat::MixRoom;

// Levels up to this are nothing: log2 of kLeastStrength.
template <class Real>
constexpr Real kLeastLevel = static_cast<Real>(-26.575424759098897);

constexpr int kUsualSeats = 10;  // as Image-GS has: so many levels stay in registers

// Calls body(i) for every bit i that is set, from the first on; bits in words of 64.
template <class Word, class Body>
[[gnu::always_inline]] inline void for_bits(size_t count, Word word, Body body) {
  for (size_t w = 0; w * 64 < count; ++w) {
    for (uint64_t bits = word(w); bits != 0; bits &= bits - 1)
      body(w * 64 + static_cast<size_t>(__builtin_ctzll(bits)));
  }
}

// The k-th best level, and how many of those that are exactly there are among the k.
template <class V>
struct Bar {
  V level, seats;
};

// The splats of a square, as one column of vectors sees them.
template <class V, int C>
class Contest {
 public:
  using Real = RealOf<V>;
  static constexpr size_t kWidth = kLanesOf<V>;

  Contest(const MixList<Real>& list, const BlendTile<Real>& square, int k, const MixRoom<Real>& room)
      : square_(square),
        count_(list.count),
        k_(static_cast<size_t>(k)),
        next_(room.numbers),
        entered_(room.bits),
        favourites_(room.bits + (list.count + 63) / 64) {
    along_ = take(count_ * kWidth);
    ridge_ = take(count_ * kWidth);
    level_ = take(count_ * kWidth);
    best_ = take(k_ * kWidth);
    for (Real*& numbers : shape_) numbers = take(count_);
    colour_ = take(count_ * C);
    for (size_t i = 0; i < count_; ++i) copy(list.all, list.all.ids[list.members[i]], i);
  }

  // Memory of the room that is not taken yet, in whole lines.
  Real* take(size_t numbers) {
    Real* const here = next_;
    next_ += (numbers + 15) / 16 * 16;
    return here;
  }

  size_t count() const { return count_; }
  const Real* colour(size_t i) const { return colour_ + i * C; }
  V dx(size_t i) const { return lane_numbers_of<V>() + (static_cast<Real>(column_) - shape_[kX][i]); }
  V offset(size_t i, int row) const { return (static_cast<Real>(row) - shape_[kY][i]) - load(ridge_ + i * kWidth); }

  // Goes to the column of vectors that begins there.
  void enter(int column) {
    column_ = column;
    for (size_t i = 0; i < count_; ++i) {
      const V dx = this->dx(i);
      store(along_ + i * kWidth, shape_[kStrength][i] + shape_[kRidge][i] * dx * dx);
      store(ridge_ + i * kWidth, shape_[kSlope][i] * dx);
    }
    for (size_t w = 0; w * 64 < count_; ++w) favourites_[w] = 0;
  }

  // Calls chosen(splat, weight) for the splats that are among the strongest at some pixel of a row, in their order.
  // The weight, strength included, is zero where they are not.
  template <class Chosen>
  void row(int row, Chosen chosen) {
    const Bar<V> bar = k_ == kUsualSeats ? compete_in_registers(row) : compete(row);
    V seats = bar.seats;
    for (size_t w = 0; w * 64 < count_; ++w) favourites_[w] = 0;
    for_bits(
        count_, [&](size_t w) { return entered_[w]; },
        [&](size_t i) {
          const V level = load(level_ + i * kWidth);
          const auto last = (level == bar.level) & (seats > broadcast<V>(0));
          const auto in = (level > bar.level) | last;
          if (!any_of(in)) return;
          seats -= where(last, broadcast<V>(1));
          favourites_[i / 64] |= uint64_t{1} << (i % 64);
          chosen(i, where(in, exp2(level)));
        });
  }

 private:
  enum Shape { kX, kY, kYY, kRidge, kSlope, kStrength, kShapes };

  void copy(const BlendList<Real>& list, uint32_t id, size_t i) {
    const PlacedSplat<Real>& s = list.splats[id];
    const Real numbers[kShapes] = {
        s.x - static_cast<Real>(square_.x), s.y - static_cast<Real>(square_.y), s.yy, s.ridge, s.slope, s.strength};
    for (int k = 0; k < kShapes; ++k) shape_[k][i] = numbers[k];
    for (size_t c = 0; c < C; ++c) colour_[i * C + c] = colour_of(list, id)[c];
  }

  // Fills the levels of a row and notes which of them enter(level) let in. Those that were among the strongest in the
  // row before go first: after them few others get in.
  template <class Enter>
  [[gnu::always_inline]] void for_levels(int row, Enter enter) {
    const auto challenge = [&](size_t i) {
      const V y = offset(i, row);
      const V level = load(along_ + i * kWidth) + shape_[kYY][i] * y * y;
      store(level_ + i * kWidth, level);
      if (enter(level)) entered_[i / 64] |= uint64_t{1} << (i % 64);
    };
    for (size_t w = 0; w * 64 < count_; ++w) entered_[w] = 0;
    for_bits(count_, [&](size_t w) { return favourites_[w]; }, challenge);
    const auto others = [&](size_t w) {
      const size_t left = count_ - w * 64;
      return ~favourites_[w] & (left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1);
    };
    for_bits(count_, others, challenge);
  }

  static V seats_of(V best, V bar) {
    return where((best == bar) & (bar > broadcast<V>(kLeastLevel<Real>)), broadcast<V>(1));
  }

  // With best levels from the greatest on, each one gets what is greater, itself or what comes down to it.
  Bar<V> compete(int row) {
    const auto at = [this](size_t j) { return best_ + j * kWidth; };
    for (size_t j = 0; j < k_; ++j) store(at(j), broadcast<V>(kLeastLevel<Real>));
    for_levels(row, [&](V level) {
      if (!any_greater(level, load(at(k_ - 1)))) return false;
      for (size_t j = k_ - 1; j > 0; --j) store(at(j), greatest(load(at(j)), least(load(at(j - 1)), level)));
      store(at(0), greatest(load(at(0)), level));
      return true;
    });
    Bar<V> bar{load(at(k_ - 1)), {}};
    for (size_t j = 0; j < k_; ++j) bar.seats += seats_of(load(at(j)), bar.level);
    return bar;
  }

  Bar<V> compete_in_registers(int row) {
    V best[kUsualSeats];
    for (V& level : best) level = broadcast<V>(kLeastLevel<Real>);
    for_levels(row, [&](V level) {
      if (!any_greater(level, best[kUsualSeats - 1])) return false;
      for (int j = kUsualSeats - 1; j > 0; --j) best[j] = greatest(best[j], least(best[j - 1], level));
      best[0] = greatest(best[0], level);
      return true;
    });
    Bar<V> bar{best[kUsualSeats - 1], {}};
    for (const V level : best) bar.seats += seats_of(level, bar.level);
    return bar;
  }

  const BlendTile<Real>& square_;
  const size_t count_, k_;
  Real* next_;
  uint64_t *entered_, *favourites_;  // splats that were among the k for a while; that are among them in the end
  Real *along_, *ridge_, *level_, *best_, *colour_;
  Real* shape_[kShapes];
  int column_ = 0;
};

}  // namespace
