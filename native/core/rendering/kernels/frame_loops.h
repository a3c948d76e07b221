// What the engine does with the splats of a tile.
#pragma once

#include "rendering/kernels/splat_loops.h"

namespace {

using smartsplat::PixelSplat;
using smartsplat::Tile;
using smartsplat::TileList;

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
  void row(vf weight, int row, float dy, vf) {
    const size_t at = place_in(tile_, row, column_);
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
  ColourGatherer(const float*, const Tile& tile) : tile_(tile) {}
  void block(int column, vf) { column_ = column; }
  void row(vf weight, int row, float, vf) {
    const size_t at = place_in(tile_, row, column_);
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
  SquareGatherer(const float*, const Tile& tile) : last_(tile.width) {}
  void block(int column, vf) { inside_ = reinterpret_cast<vf>(lane_numbers() < splat(last_ - column)); }
  void row(vf weight, int, float, vf) {
    const vf kept = reinterpret_cast<vf>(reinterpret_cast<vi>(weight) & reinterpret_cast<vi>(inside_));
    total_ += kept * kept;
  }
  void end_block() {}
  void write(float* slot) const { slot[0] = sum(total_); }

 private:
  int last_;
  vf inside_ = {}, total_ = {};
};

void add(const TileList& list, const Tile& tile) {
  for (size_t i = 0; i < list.count; ++i) {
    const PixelSplat& s = list.splats[list.ids[i]];
    Adder<vf, 3, Tile> adder(s.colour, tile);
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
    Sums gatherer(s.colour, tile);
    walk(s, tile, gatherer);
    gatherer.write(sums + static_cast<size_t>(list.slots[i]) * smartsplat::kSlotFloats);
  }
}

}  // namespace
