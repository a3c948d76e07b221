// Wavelet coefficients in bands, and the parts of them that chunks hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "container/tiers.h"

namespace smartsplat {

// Coefficients of `planes` planes (1 or 3) of rows x columns, as wavelet_forward orders them.
struct LatticeSize {
  int planes, rows, columns;
  size_t plane() const { return static_cast<size_t>(rows) * static_cast<size_t>(columns); }
  size_t count() const { return static_cast<size_t>(planes) * plane(); }
};

// The bands of a level: high along x, along y, along both.
enum Orientation { kHL, kLH, kHH };
inline constexpr int kOrientations = 3;

// Rows and columns, from first to before end.
struct Area {
  int top, left, bottom, right;
  int rows() const { return bottom - top; }
  int columns() const { return right - left; }
  bool empty() const { return top >= bottom || left >= right; }
};

// A band's place in a plane.
Area band_area(const LatticeSize& size, int level, Orientation orientation);
Area lowest_area(const LatticeSize& size, int levels);

// Which coefficients each chunk has: a tier has two levels, the coarsest all further ones and the lowest band; a chunk
// has those of a square.
class LatticeChunks {
 public:
  LatticeChunks(const LatticeSize& size, int spacing_log, const Tiers& tiers);

  const LatticeSize& size() const { return size_; }
  const Tiers& tiers() const { return tiers_; }
  int levels() const { return levels_; }
  bool is_coarsest(int tier) const { return tier == tiers_.count() - 1; }
  int coarsest_level(int tier) const { return is_coarsest(tier) ? levels_ : 2 * tier + 2; }
  int finest_level(int tier) const { return 2 * tier + 1; }

  // The part of a band in a chunk; rows and columns count from the band's own first.
  Area part(const Place& place, int level, Orientation orientation) const;
  // The chunk in which the parents of a chunk's coarsest level stand; its tier must not be the coarsest one.
  Place above(const Place& place) const { return tiers_.above(place); }

 private:
  LatticeSize size_;
  int spacing_log_;
  Tiers tiers_;
  int levels_;
};

// Where the coefficients of a band lie: that of a plane, row and column at at[first + plane * plane_step + y * row_step
// + x].
struct BandPlace {
  int32_t* at = nullptr;
  ptrdiff_t row_step = 0, plane_step = 0;
  ptrdiff_t first = 0;  // less than 0 where memory begins with a later row or column
  int32_t* row(int plane, int y, int x = 0) const { return at + (first + plane * plane_step + y * row_step + x); }
};

// Places of all bands; somebody else owns the memory.
class Coefficients {
 public:
  // Of whole planes, as wavelet_forward orders them.
  Coefficients(const LatticeSize& size, int levels, int32_t* planes);
  // Wherever they are; the first one is the lowest band, and three follow for each level from 1 on.
  explicit Coefficients(std::vector<BandPlace> bands) : bands_(std::move(bands)) {}

  const BandPlace& band(int level, Orientation orientation) const {
    return bands_[static_cast<size_t>(level * kOrientations + orientation)];
  }
  const BandPlace& lowest() const { return bands_[0]; }

 private:
  std::vector<BandPlace> bands_;
};

}  // namespace smartsplat
