#include "coding/coefficients.h"

#include <algorithm>

#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

// What of [0, side) lies in the square of that number, 2^log wide.
int border(int number, int log, int side) { return static_cast<int>(std::min<int64_t>(int64_t{number} << log, side)); }

}  // namespace

Area band_area(const LatticeSize& size, int level, Orientation orientation) {
  const int r0 = side_at(size.rows, level), c0 = side_at(size.columns, level);
  const int r1 = side_at(size.rows, level - 1), c1 = side_at(size.columns, level - 1);
  const bool down = orientation != kHL, across = orientation != kLH;
  return {down ? r0 : 0, across ? c0 : 0, down ? r1 : r0, across ? c1 : c0};
}

Area lowest_area(const LatticeSize& size, int levels) {
  return {0, 0, side_at(size.rows, levels), side_at(size.columns, levels)};
}

LatticeChunks::LatticeChunks(const LatticeSize& size, int spacing_log, const Tiers& tiers)
    : size_(size), spacing_log_(spacing_log), tiers_(tiers), levels_(wavelet_levels(size.rows, size.columns)) {}

Area LatticeChunks::part(const Place& place, int level, Orientation orientation) const {
  const Area band = band_area(size_, level, orientation);
  if (is_coarsest(place.tier)) return {0, 0, band.rows(), band.columns()};
  const int log = tiers_.squares(place.tier).log - spacing_log_ - level;
  return {border(place.row, log, band.rows()), border(place.column, log, band.columns()),
          border(place.row + 1, log, band.rows()), border(place.column + 1, log, band.columns())};
}

Coefficients::Coefficients(const LatticeSize& size, int levels, int32_t* planes)
    : bands_(static_cast<size_t>(levels + 1) * kOrientations) {
  const ptrdiff_t row = size.columns, plane = static_cast<ptrdiff_t>(size.plane());
  bands_[0] = {planes, row, plane, 0};
  for (int level = 1; level <= levels; ++level) {
    for (const Orientation orientation : {kHL, kLH, kHH}) {
      const Area area = band_area(size, level, orientation);
      bands_[static_cast<size_t>(level * kOrientations + orientation)] = {planes, row, plane,
                                                                          area.top * row + area.left};
    }
  }
}

}  // namespace smartsplat
