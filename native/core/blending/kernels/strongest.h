// The k strongest splats of every pixel, mixed in proportion to their strengths.
//
// Strengths are compared as binary logarithms, "levels". In each row of a square the first pass finds the k-th best
// level of every pixel, the second takes the splats that reach it; of several that are exactly there the first ones.
#pragma once

#include "blending/kernels/sum.h"

namespace {

using smartsplat::kMixSize;
using smartsplat::MixRoom;

// Levels up to this are nothing: log2 of kLeastStrength.
template <class Real>
constexpr Real kLeastLevel = static_cast<Real>(-26.575424759098897);

// The splats of a square, as a column of vectors sees them.
template <class V, int C>
class Contest {
 public:
  using Real = RealOf<V>;

  Contest(const BlendList<Real>& list, const BlendTile<Real>& square, int k, const MixRoom<Real>& room)
      : list_(list), square_(square), count_(list.count), k_(static_cast<size_t>(k)), next_(room.numbers) {
    along_ = take(count_ * kWidth);
    ridge_ = take(count_ * kWidth);
    level_ = take(count_ * kWidth);
    best_ = take(k_ * kWidth);
    y_ = take(count_);
    yy_ = take(count_);
    colour_ = take(count_ * C);
    for (size_t i = 0; i < count_; ++i) {
      const PlacedSplat<Real>& s = splat(i);
      y_[i] = s.y - static_cast<Real>(square.y);
      yy_[i] = s.yy;
      for (size_t c = 0; c < C; ++c) colour_[i * C + c] = colour_of(list, list.ids[i])[c];
    }
  }

  // Memory of the room that is not taken yet, in whole lines.
  Real* take(size_t numbers) {
    Real* const here = next_;
    next_ += (numbers + 15) / 16 * 16;
    return here;
  }

  size_t count() const { return count_; }
  Real y(size_t i) const { return y_[i]; }
  const Real* colour(size_t i) const { return colour_ + i * C; }
  V ridge(size_t i) const { return load(ridge_ + i * kWidth); }
  V dx(size_t i) const { return lane_numbers_of<V>() + (static_cast<Real>(square_.x + column_) - splat(i).x); }

  // Goes to the column of vectors that begins there.
  void enter(int column) {
    column_ = column;
    for (size_t i = 0; i < count_; ++i) {
      const PlacedSplat<Real>& s = splat(i);
      const V dx = this->dx(i);
      store(along_ + i * kWidth, s.strength + s.ridge * dx * dx);
      store(ridge_ + i * kWidth, s.slope * dx);
    }
  }

  // Calls chosen(splat, weight) for the splats that are among the strongest at some pixel of a row. The weight,
  // strength included, is zero where they are not.
  template <class Chosen>
  void row(int row, Chosen chosen) {
    const V nothing = broadcast<V>(kLeastLevel<Real>);
    if (count_ <= k_) {
      for (size_t i = 0; i < count_; ++i) {
        const V level = level_at(i, row);
        if (any_greater(level, nothing)) chosen(i, where(level > nothing, exp2(level)));
      }
      return;
    }
    const V bar = compete(row);
    V seats = seats_at(bar);
    for (size_t i = 0; i < count_; ++i) {
      const V level = load(level_ + i * kWidth);
      if (!any_at_least(level, bar)) continue;
      const auto level_with_it = (level == bar) & (seats > broadcast<V>(0));
      seats -= where(level_with_it, broadcast<V>(1));
      chosen(i, where((level > bar) | level_with_it, exp2(level)));
    }
  }

 private:
  static constexpr size_t kWidth = kLanesOf<V>;

  const PlacedSplat<Real>& splat(size_t i) const { return list_.splats[list_.ids[i]]; }

  V level_at(size_t i, int row) const {
    const V y = (static_cast<Real>(row) - y_[i]) - load(ridge_ + i * kWidth);
    return load(along_ + i * kWidth) + yy_[i] * y * y;
  }

  // Fills the levels of a row, and the k best of them from the greatest on; returns the k-th.
  V compete(int row) {
    V bar = broadcast<V>(kLeastLevel<Real>);
    for (size_t j = 0; j < k_; ++j) store(best_ + j * kWidth, bar);
    for (size_t i = 0; i < count_; ++i) {
      V level = level_at(i, row);
      store(level_ + i * kWidth, level);
      if (!any_greater(level, bar)) continue;
      for (size_t j = 0; j < k_; ++j) {
        const V other = load(best_ + j * kWidth);
        bar = greatest(other, level);
        store(best_ + j * kWidth, bar);
        level = least(other, level);
      }
    }
    return bar;
  }

  // How many splats that are exactly at the bar are among the strongest.
  V seats_at(V bar) const {
    V seats = {};
    const auto counts = bar > broadcast<V>(kLeastLevel<Real>);
    for (size_t j = 0; j < k_; ++j) {
      seats += where((load(best_ + j * kWidth) == bar) & counts, broadcast<V>(1));
    }
    return seats;
  }

  const BlendList<Real>& list_;
  const BlendTile<Real>& square_;
  const size_t count_, k_;
  Real* next_;
  Real *along_, *ridge_, *level_, *best_, *y_, *yy_, *colour_;
  int column_ = 0;
};

template <class V>
inline V share_of_one(V total) {
  return 1 / (total + broadcast<V>(static_cast<RealOf<V>>(smartsplat::kShareFloor)));
}

template <class V, int C>
void mix(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& square, int k, const MixRoom<RealOf<V>>& room) {
  Contest<V, C> contest(list, square, k, room);
  for (int column = 0; column < square.width; column += kLanesOf<V>) {
    contest.enter(column);
    for (int row = 0; row < square.height; ++row) {
      V total = {}, sums[C] = {};
      contest.row(row, [&](size_t i, V weight) {
        total += weight;
        for (int c = 0; c < C; ++c) sums[c] += weight * contest.colour(i)[c];
      });
      const V share = share_of_one(total);
      for (int c = 0; c < C; ++c) store(square.plane[c] + place_in(square, row, column), share * sums[c]);
    }
  }
}

// The gradients of a square in a column of vectors.
template <class V, int C>
class Unmixer {
 public:
  using Real = RealOf<V>;

  Unmixer(Contest<V, C>& contest, const BlendTile<Real>& square, const MixRoom<Real>& room)
      : contest_(contest),
        square_(square),
        flags_(room.flags),
        weights_(contest.take(contest.count() * kMixSize * kWidth)),
        shares_(contest.take(kMixSize * kWidth)),
        means_(contest.take(kMixSize * kWidth)) {}

  void enter(int column) {
    column_ = column;
    contest_.enter(column);
    std::memset(flags_, 0, contest_.count() * kMixSize);
    for (int row = 0; row < square_.height; ++row) choose_row(row);
  }

  // The sums of splat i; false if it is not among the strongest anywhere.
  bool gather(size_t i, V (&channels)[C], Moments<V>& moments) const {
    const Real* const colour = contest_.colour(i);
    moments.block(contest_.dx(i));
    const V ridge = contest_.ridge(i);
    bool any = false;
    for (int row = 0; row < square_.height; ++row) {
      if (!flags_[i * kMixSize + static_cast<size_t>(row)]) continue;
      any = true;
      const V share = load(weights_ + weight_at(i, row)) * load(shares_ + row * kWidth);
      const V gain = product(colour, row) - load(means_ + row * kWidth);
      for (int c = 0; c < C; ++c) channels[c] += share * value(c, row);
      moments.row(share * gain, (static_cast<Real>(row) - contest_.y(i)) - ridge);
    }
    moments.end_block();
    return any;
  }

 private:
  static constexpr int kWidth = kLanesOf<V>;

  size_t weight_at(size_t i, int row) const { return (i * kMixSize + static_cast<size_t>(row)) * kWidth; }
  V value(int channel, int row) const { return load(square_.plane[channel] + place_in(square_, row, column_)); }
  V product(const Real* colour, int row) const {
    V total = colour[0] * value(0, row);
    for (int c = 1; c < C; ++c) total += colour[c] * value(c, row);
    return total;
  }

  // Keeps the weights of a row, what one of them is of the picture, and <picture, cotangent>.
  void choose_row(int row) {
    V total = {}, sum = {};
    contest_.row(row, [&](size_t i, V weight) {
      flags_[i * kMixSize + static_cast<size_t>(row)] = 1;
      store(weights_ + weight_at(i, row), weight);
      total += weight;
      sum += weight * product(contest_.colour(i), row);
    });
    const V share = share_of_one(total);
    store(shares_ + row * kWidth, share);
    store(means_ + row * kWidth, share * sum);
  }

  Contest<V, C>& contest_;
  const BlendTile<Real>& square_;
  uint8_t* flags_;
  Real *weights_, *shares_, *means_;
  int column_ = 0;
};

template <class V, int C>
void unmix(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& square, int k, const MixRoom<RealOf<V>>& room,
           const BlendSlots<RealOf<V>>& slots) {
  Contest<V, C> contest(list, square, k, room);
  Unmixer<V, C> unmixer(contest, square, room);
  for (int column = 0; column < square.width; column += kLanesOf<V>) {
    unmixer.enter(column);
    for (size_t i = 0; i < list.count; ++i) {
      V channels[C] = {};
      Moments<V> moments;
      if (unmixer.gather(i, channels, moments)) put<V, C>(slots, list, i, channels, moments);
    }
  }
}

}  // namespace
