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
  // What one of the bands that are joined becomes.
  struct Band {
    Area area;
    float* to;
    float factor;
    bool any = false;
  };
  struct Work {
    Area joined;
    float* values;  // in the memory of the thread
    std::array<Band, kOrientations> bands;
  };

  Work begin(const Area& block, const AreaValues<const float>& low) const;  // the low band is there
  void end(const Area& block, const Work& work, const AreaValues<float>& to) const;
  float gain(bool down, bool across) const;
};

template <class Copy>
void LevelJoin::join(const Area& block, const AreaValues<const float>& low, const AreaValues<float>& to,
                     Copy copy) const {
  Work work = begin(block, low);
  for (const Orientation o : {kHL, kLH, kHH}) {
    Band& band = work.bands[o];
    band.any = copy(o, band.area, band.to, band.factor);
  }
  end(block, work, to);
}

}  // namespace smartsplat
