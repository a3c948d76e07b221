// The loops over the pixels of a splat, for any type of vector V and any number C of channels.
//
// A splat is walked in blocks of kLanes columns, and down each block row by row. Along a column the log2
// weight is quadratic in the row, so the weight obeys a two-term recurrence: w *= r, r *= decay. It is
// seeded anew every `run` rows, which bounds both its rounding error (about run^2/2 ulp) and its range.
#pragma once

#include "common/simd.h"
#include "rendering/pixel_splat.h"

namespace {

using smartsplat::Outline;

// With runs of this length or more, |yy| is below 60 / 10^2 (see outline() in view.cpp), and over a tile's height
// from the support a ratio stays below 2^(2 |yy| 96) < 2^116.
constexpr int kGentleRun = 10;

template <class Real>
inline int clamp_to(Real value, int low, int high) {
  if (!(value > static_cast<Real>(low))) return low;
  return value < static_cast<Real>(high) ? static_cast<int>(value) : high;
}

inline float clamp_to(float value, float low, float high) { return value < low ? low : (value > high ? high : value); }

// Rows of a tile, from first to before end, that the support of a splat reaches in each block of columns.
template <class V>
struct RowTable {
  using Real = RealOf<V>;
  static constexpr int kWidth = kLanesOf<V>;
  static constexpr int kBlocks = smartsplat::kWidestTile / kWidth;
  static constexpr int kRoom = (kBlocks + kWidth - 1) / kWidth * kWidth;

  // x and y: of the splat's centre in the tile.
  RowTable(const Outline<Real>& s, Real x, Real y, int height) {
    const V zero{}, tall = zero + static_cast<Real>(height);
    for (int block = 0; block < kBlocks; block += kWidth) {
      const V from = (lane_numbers_of<V>() + static_cast<Real>(block)) * static_cast<Real>(kWidth) - x;
      const V left = between(from, -s.x_extent, s.x_extent);
      const V right = between(from + static_cast<Real>(kWidth - 1), -s.x_extent, s.x_extent);
      // The support is convex: over a span of columns it reaches furthest at its own extreme, or at an end.
      const V top = least(greatest(zero + s.x_at_top, left), right);
      const V bottom = least(greatest(zero - s.x_at_top, left), right);
      constexpr Real margin = Real(1) / 64;  // for rounding; the weights decide
      const V low = y + s.slope * bottom - half_height(s, bottom) + (1 - margin);
      const V high = y + s.slope * top + half_height(s, top) + (1 + margin);
      store_ints(first + block, least(greatest(low, zero), tall));
      store_ints(end + block, least(greatest(high, zero), tall));
    }
  }

  alignas(64) int32_t first[kRoom];
  alignas(64) int32_t end[kRoom];

 private:
  static V between(V value, Real low, Real high) {
    return least(greatest(value, broadcast<V>(low)), broadcast<V>(high));
  }
  static V half_height(const Outline<Real>& s, V dx) {
    return square_root(greatest(s.reach - s.bend * dx * dx, broadcast<V>(0)));
  }
};

// Calls pixels.block(column, dx) for each block of columns, pixels.row(weight, row, dy, offset) for its rows and
// pixels.end_block(). The offset is dy - slope dx, the distance from where the weight is greatest. Weights below the
// cutoff come as zero.
template <class Real, class Area, class Pixels>
inline void walk(const Outline<Real>& s, const Area& tile, Pixels& pixels) {
  using V = VectorOf<Real>;
  constexpr int kWidth = kLanesOf<V>;
  const Real x = s.x - static_cast<Real>(tile.x), y = s.y - static_cast<Real>(tile.y);
  const int begin = clamp_to(x - s.x_extent, 0, tile.width) / kWidth;
  const int end = (clamp_to(x + s.x_extent + 1, 0, tile.width) + kWidth - 1) / kWidth;
  const RowTable<V> rows(s, x, y, tile.height);
  const V cutoff = broadcast<V>(static_cast<Real>(smartsplat::kWeightCutoff)), decay = broadcast<V>(s.decay),
          run_decay = broadcast<V>(s.run_decay);
  for (int block = begin; block < end; ++block) {
    const int last = rows.end[block];
    int start = rows.first[block];
    if (start >= last) continue;
    const V dx = lane_numbers_of<V>() + (static_cast<Real>(block * kWidth) - x);
    const V along = s.ridge * dx * dx, ridge = s.slope * dx;
    Real dy = static_cast<Real>(start) - y;
    V first_ratio = exp2(s.yy * (2 * (dy - ridge) + 1));
    pixels.block(block * kWidth, dx);
    for (; start < last; start += s.run) {
      V offset = dy - ridge;
      V weight = exp2(along + s.yy * (dy - ridge) * (dy - ridge));
      // On steep slopes a ratio may be too great for a float before its column meets the support, and it would
      // never come down again.
      V ratio = s.run < kGentleRun ? exp2(s.yy * (2 * (dy - ridge) + 1)) : first_ratio;
      const int stop = start + s.run < last ? start + s.run : last;
      for (int row = start; row < stop; ++row, dy += 1) {
        pixels.row(keep_from(weight, cutoff), row, dy, offset);
        weight *= ratio;
        ratio *= decay;
        offset += 1;
      }
      first_ratio *= run_decay;
    }
    pixels.end_block();
  }
}

// The first float of a row of a plane, from a column on.
template <class Area>
inline size_t place_in(const Area& tile, int row, int column) {
  return static_cast<size_t>(row) * static_cast<size_t>(tile.stride) + static_cast<size_t>(column);
}

template <class V, int C, class Area>
class Adder {
 public:
  Adder(const RealOf<V>* colour, const Area& tile) : tile_(tile) {
    for (int c = 0; c < C; ++c) colour_[c] = broadcast<V>(colour[c]);
  }
  void block(int column, V) { column_ = column; }
  void row(V weight, int row, RealOf<V>, V) {
    const size_t at = place_in(tile_, row, column_);
    for (int c = 0; c < C; ++c) store(tile_.plane[c] + at, load(tile_.plane[c] + at) + weight * colour_[c]);
  }
  void end_block() {}

 private:
  const Area& tile_;
  V colour_[C];
  int column_ = 0;
};

// Sums over a splat's pixels of a value v at each pixel: v x, v y, v x^2, v x y, v y^2, and v itself.
template <class V>
class Moments {
 public:
  void block(V x) {
    x_now_ = x;
    v_ = vy_ = vyy_ = V{};
  }
  template <class Y>
  void row(V v, Y y) {
    const V vy = v * y;
    v_ += v;
    vy_ += vy;
    vyy_ += vy * y;
  }
  void end_block() {
    const V vx = x_now_ * v_;
    x_ += vx;
    xx_ += x_now_ * vx;
    xy_ += x_now_ * vy_;
    y_ += vy_;
    yy_ += vyy_;
    one_ += v_;
  }
  // All but the last.
  void write(RealOf<V>* slot) const {
    slot[0] = sum(x_);
    slot[1] = sum(y_);
    slot[2] = sum(xx_);
    slot[3] = sum(xy_);
    slot[4] = sum(yy_);
  }
  // All as vectors still to be added up.
  void copy_to(V* out) const {
    const V vectors[] = {x_, y_, xx_, xy_, yy_, one_};
    for (int k = 0; k < 6; ++k) out[k] = vectors[k];
  }

 private:
  V x_now_ = {};
  V v_ = {}, vy_ = {}, vyy_ = {};                               // of the block
  V x_ = {}, y_ = {}, xx_ = {}, xy_ = {}, yy_ = {}, one_ = {};  // of the tile
};

// Its moments are of x = dx and y = dy, or the offset if `kSheared`: what they are for may be lost in those of dy where
// a splat is thin.
template <class V, int C, class Area, bool kSheared>
class Gatherer {
 public:
  Gatherer(const RealOf<V>* colour, const Area& tile) : tile_(tile) {
    for (int c = 0; c < C; ++c) amplitude_[c] = broadcast<V>(colour[c]);
  }
  void block(int column, V dx) {
    column_ = column;
    moments_.block(dx);
  }
  void row(V weight, int row, RealOf<V> dy, V offset) {
    const size_t at = place_in(tile_, row, column_);
    V value[C];
    for (int c = 0; c < C; ++c) value[c] = load(tile_.plane[c] + at);
    for (int c = 0; c < C; ++c) colour_[c] += weight * value[c];
    V product = amplitude_[0] * value[0];
    for (int c = 1; c < C; ++c) product += amplitude_[c] * value[c];
    if constexpr (kSheared) {
      moments_.row(weight * product, offset);
    } else {
      moments_.row(weight * product, dy);
    }
  }
  void end_block() { moments_.end_block(); }
  void write(RealOf<V>* slot) const {
    for (int c = 0; c < C; ++c) slot[c] = sum(colour_[c]);
    moments_.write(slot + C);
  }
  const V* channels() const { return colour_; }
  const Moments<V>& moments() const { return moments_; }

 private:
  const Area& tile_;
  V amplitude_[C], colour_[C] = {};
  Moments<V> moments_;
  int column_ = 0;
};

}  // namespace
