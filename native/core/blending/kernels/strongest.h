// The k strongest splats of every pixel, mixed in proportion to their strengths.
#pragma once

#include "blending/kernels/contest.h"

namespace {

template <class V>
inline V share_of_one(V total) {
  return 1 / (total + broadcast<V>(static_cast<RealOf<V>>(smartsplat::kShareFloor)));
}

template <class V, int C>
void mix(const MixList<RealOf<V>>& list, const BlendTile<RealOf<V>>& square, int k, const MixRoom<RealOf<V>>& room) {
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
        rows_(room.rows),
        weights_(contest.take(contest.count() * kMixSize * kWidth)),
        shares_(contest.take(kMixSize * kWidth)),
        means_(contest.take(kMixSize * kWidth)) {}

  void enter(int column) {
    column_ = column;
    contest_.enter(column);
    std::memset(rows_, 0, contest_.count() * sizeof *rows_);
    for (int row = 0; row < square_.height; ++row) choose_row(row);
  }

  // Whether splat i is among the strongest anywhere.
  bool chosen(size_t i) const { return rows_[i] != 0; }

  // Its sums.
  void gather(size_t i, V (&channels)[C], Moments<V>& moments) const {
    const Real* const colour = contest_.colour(i);
    moments.block(contest_.dx(i));
    for (unsigned rows = rows_[i]; rows != 0; rows &= rows - 1) {
      const int row = __builtin_ctz(rows);
      const V share = load(weights_ + weight_at(i, row)) * load(shares_ + row * kWidth);
      const V gain = product(colour, row) - load(means_ + row * kWidth);
      for (int c = 0; c < C; ++c) channels[c] += share * value(c, row);
      moments.row(share * gain, contest_.offset(i, row));
    }
    moments.end_block();
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
      rows_[i] = static_cast<uint16_t>(rows_[i] | 1u << row);
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
  uint16_t* rows_;  // of each splat, a bit for each row in which it is among the strongest
  Real *weights_, *shares_, *means_;
  int column_ = 0;
};

template <class V, int C>
void unmix(const MixList<RealOf<V>>& list, const BlendTile<RealOf<V>>& square, int k, const MixRoom<RealOf<V>>& room,
           const BlendSlots<RealOf<V>>& slots) {
  Contest<V, C> contest(list, square, k, room);
  Unmixer<V, C> unmixer(contest, square, room);
  for (int column = 0; column < square.width; column += kLanesOf<V>) {
    unmixer.enter(column);
    for (size_t i = 0; i < list.count; ++i) {
      if (!unmixer.chosen(i)) continue;
      V channels[C] = {};
      Moments<V> moments;
      unmixer.gather(i, channels, moments);
      put<V, C>(slots, list.all, list.members[i], channels, moments);
    }
  }
}

}  // namespace
