// The loops over the pixels of a splat.
//
// A splat is walked in blocks of kLanes columns, and down each block row by row. Along a column the log2
// weight is quadratic in the row, so the weight obeys a two-term recurrence: w *= r, r *= decay. It is
// seeded anew every `run` rows, which bounds both its rounding error (about run^2/2 ulp) and its range.
#pragma once

#include "rendering/kernels/simd.h"
#include "rendering/pixel_splat.h"

namespace {

using smartsplat::kCutoff;
using smartsplat::PixelSplat;
using smartsplat::Tile;
using smartsplat::TileList;

// With runs of this length or more, |yy| is below 60 / 10^2 (see outline() in view.cpp), and over a tile's height
// from the support a ratio stays below 2^(2 |yy| 96) < 2^116.
constexpr int kGentleRun = 10;

inline int clamp_to(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  return value < static_cast<float>(high) ? static_cast<int>(value) : high;
}

inline float clamp_to(float value, float low, float high) { return value < low ? low : (value > high ? high : value); }

// Rows of a tile, from first to before end, that the support of a splat reaches in each block of columns.
struct RowTable {
  static constexpr int kBlocks = smartsplat::kWidestTile / kLanes;
  static constexpr int kRoom = (kBlocks + kLanes - 1) / kLanes * kLanes;

  // x and y: of the splat's centre in the tile.
  RowTable(const PixelSplat& s, float x, float y, int height) {
    const vf zero{}, tall = zero + static_cast<float>(height);
    for (int block = 0; block < kBlocks; block += kLanes) {
      const vf from = (lane_numbers() + static_cast<float>(block)) * static_cast<float>(kLanes) - x;
      const vf left = between(from, -s.x_extent, s.x_extent);
      const vf right = between(from + static_cast<float>(kLanes - 1), -s.x_extent, s.x_extent);
      // The support is convex: over a span of columns it reaches furthest at its own extreme, or at an end.
      const vf top = least(greatest(zero + s.x_at_top, left), right);
      const vf bottom = least(greatest(zero - s.x_at_top, left), right);
      constexpr float margin = 1.0f / 64;  // for rounding; the weights decide
      const vf low = y + s.slope * bottom - half_height(s, bottom) + (1 - margin);
      const vf high = y + s.slope * top + half_height(s, top) + (1 + margin);
      *reinterpret_cast<vi*>(first + block) = __builtin_convertvector(least(greatest(low, zero), tall), vi);
      *reinterpret_cast<vi*>(end + block) = __builtin_convertvector(least(greatest(high, zero), tall), vi);
    }
  }

  alignas(64) int32_t first[kRoom];
  alignas(64) int32_t end[kRoom];

 private:
  static vf between(vf value, float low, float high) { return least(greatest(value, splat(low)), splat(high)); }
  static vf half_height(const PixelSplat& s, vf dx) {
    return square_root(greatest(s.reach - s.bend * dx * dx, splat(0)));
  }
};

// Calls pixels.block(column, dx) for each block of columns, pixels.row(weight, row, dy) for its rows and
// pixels.end_block(). Weights below the cutoff come as zero.
template <class Pixels>
inline void walk(const PixelSplat& s, const Tile& tile, Pixels& pixels) {
  const float x = s.x - static_cast<float>(tile.x), y = s.y - static_cast<float>(tile.y);
  const int begin = clamp_to(x - s.x_extent, 0, tile.width) / kLanes;
  const int end = (clamp_to(x + s.x_extent + 1, 0, tile.width) + kLanes - 1) / kLanes;
  const RowTable rows(s, x, y, tile.height);
  const vf cutoff = splat(kCutoff), decay = splat(s.decay), run_decay = splat(s.run_decay);
  for (int block = begin; block < end; ++block) {
    const int last = rows.end[block];
    int start = rows.first[block];
    if (start >= last) continue;
    const vf dx = lane_numbers() + (static_cast<float>(block * kLanes) - x);
    const vf along = s.ridge * dx * dx, ridge = s.slope * dx;
    float dy = static_cast<float>(start) - y;
    vf first_ratio = exp2(s.yy * (2 * (dy - ridge) + 1));
    pixels.block(block * kLanes, dx);
    for (; start < last; start += s.run) {
      vf weight = exp2(along + s.yy * (dy - ridge) * (dy - ridge));
      // On steep slopes a ratio may be too great for a float before its column meets the support, and it would
      // never come down again.
      vf ratio = s.run < kGentleRun ? exp2(s.yy * (2 * (dy - ridge) + 1)) : first_ratio;
      const int stop = start + s.run < last ? start + s.run : last;
      for (int row = start; row < stop; ++row, dy += 1) {
        pixels.row(keep_from(weight, cutoff), row, dy);
        weight *= ratio;
        ratio *= decay;
      }
      first_ratio *= run_decay;
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
  vf v_ = {}, vy_ = {}, vyy_ = {};                    // of the block
  vf x_ = {}, y_ = {}, xx_ = {}, xy_ = {}, yy_ = {};  // of the tile
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
