// A part of a lattice, from the chunks that it depends on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "coding/decoded_chunks.h"
#include "coding/sections.h"

namespace smartsplat {

// What has to be read and computed for the nodes of an area, which is not empty and within the lattice, or for the
// values of the low band of a level that stands for them.
class LatticeRegion {
 public:
  // The area is one of that low band, of the nodes themselves if it is 0.
  LatticeRegion(const LatticeHead& head, const Area& values, int low = 0);

  const Area& values() const { return low_[static_cast<size_t>(skipped_)]; }
  int low() const { return skipped_; }
  // Coefficients of one plane that its chunks hold; what it costs follows from them.
  uint64_t coefficients() const;

  // The chunks that are read, those of coarser tiers first.
  std::vector<uint64_t> chunks() const;

  // The colours of the values [3][rows][columns] of the area; those of nodes are the same as of the whole lattice.
  // Chunks that are kept are not asked for, and others are kept, if `kept` is not null.
  Buffer<float> read(const ChunkSource& source, DecodedChunks* kept, const Parallel& parallel) const;
  void read(const ChunkSource& source, DecodedChunks* kept, float* colours, const Parallel& parallel) const;

  // What is in between: the integers, and the values of all planes that they make, [planes][rows][columns], in steps.
  struct Bands {
    Zeros<int32_t> memory;
    Coefficients places;
  };
  Bands read_bands(const ChunkSource& source, DecodedChunks* kept, const Parallel& parallel) const;
  void join(const Bands& bands, float* values, const Parallel& parallel) const;

  // Of the finest tier, the squares that it depends on, as columns and rows.
  const Area& finest_squares() const { return squares_.front(); }

 private:
  // Squares of a tier, as columns and rows.
  Area squares_of(int tier) const;
  std::vector<Place> places_of(int tier) const;
  Area band_part(int level, Orientation orientation) const;
  // The memory is theirs.
  Coefficients bands_in(Zeros<int32_t>& memory) const;
  void read_chunks(const ChunkSource& source, DecodedChunks* kept, const Coefficients& bands,
                   const Parallel& parallel) const;
  void read_chunk(const ChunkSource& source, const Place& place, DecodedChunks* kept, const Coefficients& bands,
                  const Parallel& parallel) const;
  int finest_level(int tier) const { return std::max(head_.chunks.finest_level(tier), skipped_ + 1); }
  void join_level(const Bands& bands, int level, const float* from, float* to, const Parallel& parallel) const;

  LatticeHead head_;
  int skipped_;                // levels that are left out
  std::vector<Area> low_;      // of each level, what of its low band is wanted
  std::vector<Area> joined_;   // of each level from 1 on, what is joined for the low band of the level before
  std::vector<Area> squares_;  // of each tier
};

}  // namespace smartsplat
