// The loops over the pixels of a splat.
//
// A splat is walked in blocks of kLanes columns, and down each block row by row. Along a column the log2
// weight is quadratic in the row, so the weight obeys a two-term recurrence: w *= r, r *= decay. It is
// seeded anew every `run` rows, which bounds both its rounding error (about run^2/2 ulp) and its range.
#pragma once

#include "engine/kernels/simd.h"
#include "engine/pixel_splat.h"

namespace {

using smartsplat::kCutoff;
using smartsplat::PixelSplat;
using smartsplat::Tile;
using smartsplat::TileList;

inline int clamp_to(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  return value < static_cast<float>(high) ? static_cast<int>(value) : high;
}

inline float clamp_to(float value, float low, float high) {
  return value < low ? low : (value > high ? high : value);
}

struct Rows {
  int first, end;
};

// Rows of the tile that the support reaches within columns whose offsets from the centre span [left, right].
inline Rows rows_between(const PixelSplat& s, float left, float right, float y, int height) {
  left = clamp_to(left, -s.x_extent, s.x_extent);
  right = clamp_to(right, -s.x_extent, s.x_extent);
  const float at_top = clamp_to(s.x_at_top, left, right);
  const float at_bottom = clamp_to(-s.x_at_top, left, right);
  const float top = s.reach - s.bend * at_top * at_top;
  const float bottom = s.reach - s.bend * at_bottom * at_bottom;
  const float high = y + s.slope * at_top + __builtin_sqrtf(top > 0 ? top : 0);
  const float low = y + s.slope * at_bottom - __builtin_sqrtf(bottom > 0 ? bottom : 0);
  constexpr float margin = 1.0f / 64;  // for the rounding of the line above; the weights decide
  return {clamp_to(low + (1 - margin), 0, height), clamp_to(high + (1 + margin), 0, height)};
}

// Calls pixels.block(column, dx) for each block of columns, pixels.row(weight, row, dy) for its rows and
// pixels.end_block(). Weights below the cutoff come as zero.
template <class Pixels>
inline void walk(const PixelSplat& s, const Tile& tile, Pixels& pixels) {
  const float x = s.x - static_cast<float>(tile.x), y = s.y - static_cast<float>(tile.y);
  const int first = clamp_to(x - s.x_extent, 0, tile.width) / kLanes * kLanes;
  const int end = clamp_to(x + s.x_extent + 1, 0, tile.width);
  const vf cutoff = splat(kCutoff), decay = splat(s.decay);
  for (int column = first; column < end; column += kLanes) {
    const float left = static_cast<float>(column) - x;
    const Rows rows = rows_between(s, left, left + (kLanes - 1), y, tile.height);
    if (rows.first >= rows.end) continue;
    const vf dx = lane_numbers() + left;
    const vf across = s.xx * dx * dx, skew = 2 * s.xy * dx;
    pixels.block(column, dx);
    for (int start = rows.first; start < rows.end; start += s.run) {
      float dy = static_cast<float>(start) - y;
      vf weight = exp2(across + dy * (skew + s.yy * dy));
      vf ratio = exp2(skew + s.yy * (2 * dy + 1));
      const int stop = start + s.run < rows.end ? start + s.run : rows.end;
      for (int row = start; row < stop; ++row, dy += 1) {
        pixels.row(keep_from(weight, cutoff), row, dy);
        weight *= ratio;
        ratio *= decay;
      }
    }
    pixels.end_block();
  }
}

class Adder {
 public:
  Adder(const PixelSplat& s, const Tile& tile) : tile_(tile) {
    for (int c = 0; c < 3; ++c) colour_[c] = splat(s.colour[c]);
  }
  void block(int column, vf) { column_ = column; }
  void row(vf weight, int row, float) {
    const size_t at = static_cast<size_t>(row) * tile_.stride + column_;
    for (int c = 0; c < 3; ++c) store(tile_.plane[c] + at, load(tile_.plane[c] + at) + weight * colour_[c]);
  }
  void end_block() {}

 private:
  const Tile& tile_;
  vf colour_[3];
  int column_ = 0;
};

// Adds the derivative of a splat along a direction: weight * (its colour's + colour * polynomial).
class TangentAdder {
 public:
  TangentAdder(const PixelSplat& s, const smartsplat::PixelTangent& t, const Tile& tile) : tile_(tile), t_(t) {
    for (int c = 0; c < 3; ++c) {
      amplitude_[c] = splat(s.colour[c]);
      colour_[c] = splat(t.colour[c]);
    }
  }
  void block(int column, vf dx) {
    column_ = column;
    constant_ = t_.one + dx * (t_.x + dx * t_.xx);
    linear_ = t_.y + dx * t_.xy;
  }
  void row(vf weight, int row, float dy) {
    const size_t at = static_cast<size_t>(row) * tile_.stride + column_;
    const vf change = weight * (constant_ + dy * (linear_ + dy * t_.yy));
    for (int c = 0; c < 3; ++c) {
      float* const p = tile_.plane[c] + at;
      store(p, load(p) + weight * colour_[c] + change * amplitude_[c]);
    }
  }
  void end_block() {}

 private:
  const Tile& tile_;
  const smartsplat::PixelTangent& t_;
  vf amplitude_[3], colour_[3], constant_ = {}, linear_ = {};
  int column_ = 0;
};

class ColourGatherer {
 public:
  ColourGatherer(const PixelSplat&, const Tile& tile) : tile_(tile) {}
  void block(int column, vf) { column_ = column; }
  void row(vf weight, int row, float) {
    const size_t at = static_cast<size_t>(row) * tile_.stride + column_;
    for (int c = 0; c < 3; ++c) colour_[c] += weight * load(tile_.plane[c] + at);
  }
  void end_block() {}
  void write(float* slot) const {
    for (int c = 0; c < 3; ++c) slot[c] = sum(colour_[c]);
  }

 private:
  const Tile& tile_;
  vf colour_[3] = {};
  int column_ = 0;
};

class SquareGatherer {
 public:
  SquareGatherer(const PixelSplat&, const Tile& tile) : last_(tile.width) {}
  void block(int column, vf) { inside_ = reinterpret_cast<vf>(lane_numbers() < splat(last_ - column)); }
  void row(vf weight, int, float) {
    const vf kept = reinterpret_cast<vf>(reinterpret_cast<vi>(weight) & reinterpret_cast<vi>(inside_));
    total_ += kept * kept;
  }
  void end_block() {}
  void write(float* slot) const { slot[0] = sum(total_); }

 private:
  int last_;
  vf inside_ = {}, total_ = {};
};

class Gatherer {
 public:
  Gatherer(const PixelSplat& s, const Tile& tile) : tile_(tile) {
    for (int c = 0; c < 3; ++c) amplitude_[c] = splat(s.colour[c]);
  }
  void block(int column, vf dx) {
    column_ = column;
    dx_ = dx;
    v_ = vy_ = vyy_ = vf{};
  }
  void row(vf weight, int row, float dy) {
    const size_t at = static_cast<size_t>(row) * tile_.stride + column_;
    const vf red = load(tile_.plane[0] + at), green = load(tile_.plane[1] + at), blue = load(tile_.plane[2] + at);
    colour_[0] += weight * red;
    colour_[1] += weight * green;
    colour_[2] += weight * blue;
    const vf v = weight * (amplitude_[0] * red + amplitude_[1] * green + amplitude_[2] * blue);
    const vf vy = v * dy;
    v_ += v;
    vy_ += vy;
    vyy_ += vy * dy;
  }
  void end_block() {
    const vf vx = dx_ * v_;
    x_ += vx;
    xx_ += dx_ * vx;
    xy_ += dx_ * vy_;
    y_ += vy_;
    yy_ += vyy_;
  }
  void write(float* slot) const {
    for (int c = 0; c < 3; ++c) slot[c] = sum(colour_[c]);
    slot[smartsplat::kX] = sum(x_);
    slot[smartsplat::kY] = sum(y_);
    slot[smartsplat::kXX] = sum(xx_);
    slot[smartsplat::kXY] = sum(xy_);
    slot[smartsplat::kYY] = sum(yy_);
  }

 private:
  const Tile& tile_;
  vf amplitude_[3], dx_ = {};
  vf colour_[3] = {};
  vf v_ = {}, vy_ = {}, vyy_ = {};                         // of the block
  vf x_ = {}, y_ = {}, xx_ = {}, xy_ = {}, yy_ = {};       // of the tile
  int column_ = 0;
};

void add(const TileList& list, const Tile& tile) {
  for (size_t i = 0; i < list.count; ++i) {
    const PixelSplat& s = list.splats[list.ids[i]];
    Adder adder(s, tile);
    walk(s, tile, adder);
  }
}

void add_tangents(const TileList& list, const smartsplat::PixelTangent* tangents, const Tile& tile) {
  for (size_t i = 0; i < list.count; ++i) {
    const PixelSplat& s = list.splats[list.ids[i]];
    TangentAdder adder(s, tangents[list.ids[i]], tile);
    walk(s, tile, adder);
  }
}

template <class Sums>
void gather_all(const TileList& list, const Tile& tile, float* sums) {
  for (size_t i = 0; i < list.count; ++i) {
    const PixelSplat& s = list.splats[list.ids[i]];
    Sums gatherer(s, tile);
    walk(s, tile, gatherer);
    gatherer.write(sums + static_cast<size_t>(list.slots[i]) * smartsplat::kSlotFloats);
  }
}

}  // namespace
