// The squares of a picture that chunks stand for, in tiers from the coarsest to the finest.
#pragma once

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

// The tiers of the splats or of the lattice. Tier 0 is the finest; each further one has squares with four times its
// sides, up to the first whose squares cover the picture or would be too wide.
class Tiers {
 public:
  Tiers() = default;
  static Tiers of_splats(int width, int height, int square_log);
  static Tiers of_lattice(int width, int height, int square_log, int spacing_log);

  int count() const { return count_; }
  Squares squares(int tier) const;
  uint64_t chunks() const;            // of all tiers
  uint64_t first(int tier) const;     // how many chunks the coarser tiers have
  Place place(uint64_t chunk) const;  // chunks are counted from the coarsest tier on
  uint64_t chunk(const Place& place) const;

 private:
  Tiers(int width, int height, int log, int most_log);

  int width_ = 1, height_ = 1, log_ = 0, count_ = 1;
};

// The square that the encoder chooses for a picture of that size; see docs/decisions.md.
int usual_square_log(int width, int height);

}  // namespace smartsplat
