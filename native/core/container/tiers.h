// The squares of a picture that chunks stand for, in tiers from the coarsest to the finest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "format/format.h"

namespace smartsplat {

// Squares of 2^log px over a picture, in rows from the upper left.
struct Squares {
  int log = 0;
  uint64_t columns = 0, rows = 0;
  uint64_t count() const { return columns * rows; }
};

// One chunk's place: the square in that column and row of a tier.
struct Place {
  int tier = 0;
  int column = 0, row = 0;
};

// The tiers of the splats, of the lattice, or of the blocks. Tier 0 is the finest; the squares of further ones grow so
// that chunks have about as much in each, up to the first tier whose squares cover the picture or would be too wide.
class Tiers {
 public:
  Tiers() = default;
  static Tiers of_splats(int width, int height, int square_log);
  // The finest of the splats' alone.
  static Tiers of_blocks(int width, int height, int square_log);
  static Tiers of_lattice(int width, int height, int square_log, int spacing_log);

  int count() const { return count_; }
  // log2 of the sides of a tier's squares, px.
  int log(int tier) const { return std::max(log_ + std::max(tier - 1, 0), least_ + 2 * tier); }
  Squares squares(int tier) const;
  uint64_t chunks() const;            // of all tiers
  uint64_t first(int tier) const;     // how many chunks the coarser tiers have
  Place place(uint64_t chunk) const;  // chunks are counted from the coarsest tier on
  uint64_t chunk(const Place& place) const;
  // By how many bits the number of a square's column or row is longer than that of the square of the next coarser tier
  // which has its place.
  int shift(int tier) const { return log(tier + 1) - log(tier); }
  Place above(const Place& place) const {
    return {place.tier + 1, place.column >> shift(place.tier), place.row >> shift(place.tier)};
  }

 private:
  // Squares of tier t have at least 2^(least + 2 t) px a side.
  Tiers(int width, int height, int log, int least, int most);

  int width_ = 1, height_ = 1, log_ = 0, least_ = 0, count_ = 1;
};

// The finest squares that the encoder chooses for a picture of that size; see docs/decisions.md.
int usual_square_log(int width, int height);
// Those of a lattice that may take so many bytes.
int usual_square_log(int width, int height, int spacing_log, uint64_t bytes);

}  // namespace smartsplat
