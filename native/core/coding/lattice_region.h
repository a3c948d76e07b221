// A part of a lattice, from the chunks that it depends on.
#pragma once

#include <cstdint>
#include <vector>

#include "coding/sections.h"

namespace smartsplat {

// What has to be read and computed for the nodes of an area, which is not empty and within the lattice.
class LatticeRegion {
 public:
  LatticeRegion(const LatticeHead& head, const Area& nodes);

  const Area& nodes() const { return low_[0]; }
  // Coefficients of one plane that its chunks hold; what it costs follows from them.
  uint64_t coefficients() const;

  // The chunks that are read, those of coarser tiers first.
  std::vector<uint64_t> chunks() const;

  // The colours of the nodes [3][rows][columns] of the area, the same as those of the whole lattice.
  Buffer<float> read(const ChunkSource& source, const Parallel& parallel) const;

 private:
  // Squares of a tier, as columns and rows.
  Area squares_of(int tier) const;
  std::vector<Place> places_of(int tier) const;
  Area band_part(int level, Orientation orientation) const;
  // The memory is theirs.
  Coefficients bands_in(Zeros<int32_t>& memory) const;
  void read_chunks(const ChunkSource& source, const Coefficients& bands, const Parallel& parallel) const;
  std::vector<float> inverse(const Coefficients& bands, int plane, const Parallel& parallel) const;

  LatticeHead head_;
  std::vector<Area> low_;      // of each level, what of its low band is wanted
  std::vector<Area> joined_;   // of each level from 1 on, what is joined for the low band of the level before
  std::vector<Area> squares_;  // of each tier
};

}  // namespace smartsplat
