// Which bands the values of a part of a lattice are made of, and how they are joined, level by level.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "coding/coefficients.h"
#include "lattice/join.h"
#include "lattice/wavelet.h"

namespace smartsplat {

// What is joined of the low band before a level so that an area of it comes out: with its neighbours, from an even
// place on.
Area joined_area(const LatticeSize& size, int level, const Area& wanted);

// What of a band that is made of; of the low one if it is high neither down nor across.
Area part_of_joined(const Area& joined, bool down, bool across);

// An area in pieces that can be joined.
std::vector<Area> join_blocks(const Area& area);

// A part of a band as floats, in rows that are so far apart.
void copy_band(const BandPlace& from, int plane, const Area& area, float* to, ptrdiff_t stride, float factor);

inline void fill_with_zeros(float* values, int rows, int columns, ptrdiff_t stride) {
  for (int y = 0; y < rows; ++y) std::fill_n(values + y * stride, columns, 0.0f);
}

// Values of an area of a plane, in rows.
template <class Float>
struct AreaValues {
  Float* values;
  Area area;
  ptrdiff_t stride;
  Float* at(int y, int x) const { return values + (y - area.top) * stride + (x - area.left); }
};

// One level of one plane.
struct LevelJoin {
  LatticeSize size;
  int level, spacing;

  // Makes a block of the low band before the level, or of the nodes, of kJoinedSide or less a side, from the low band
  // of the level, of which at least part_of_joined(joined_area()) must be there. copy(orientation, area, to, factor)
  // writes a part of another band times a factor to rows that are kJoinStride apart, or returns false where all of it
  // is zero.
  template <class Copy>
  void join(const Area& block, const AreaValues<const float>& low, const AreaValues<float>& to, Copy copy) const;

 private:
  float* memory() const;  // of the thread
};

template <class Copy>
void LevelJoin::join(const Area& block, const AreaValues<const float>& low, const AreaValues<float>& to,
                     Copy copy) const {
  const Area joined = joined_area(size, level, block), inner = part_of_joined(joined, false, false);
  float* const part = memory();
  for (int y = 0; y < inner.rows(); ++y) {
    std::copy_n(low.at(inner.top + y, inner.left), inner.columns(), part + y * kJoinStride);
  }
  const auto area = [&](Orientation o) { return part_of_joined(joined, o != kHL, o != kLH); };
  const auto place = [&](Orientation o) {
    return part + (o != kHL ? inner.rows() * kJoinStride : 0) + (o != kLH ? inner.columns() : 0);
  };
  std::array<bool, kOrientations> any{};
  for (const Orientation o : {kHL, kLH, kHH}) {
    any[o] = copy(o, area(o), place(o), wavelet_factor(spacing, level, o != kHL, o != kLH));
  }
  const bool detailed = any[kHL] || any[kLH] || any[kHH];
  for (const Orientation o : {kHL, kLH, kHH}) {
    if (detailed && !any[o]) fill_with_zeros(place(o), area(o).rows(), area(o).columns(), kJoinStride);
  }
  join_part({part, joined.rows(), joined.columns(), &lifting(level), detailed}, part + size_t{kJoinRows} * kJoinStride,
            {to.at(block.top, block.left), to.stride, block.top - joined.top, block.left - joined.left, block.rows(),
             block.columns(), level == 1 ? &sharpening(spacing) : nullptr});
}

}  // namespace smartsplat
