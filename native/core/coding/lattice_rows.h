// The nodes of a whole lattice from the top, with the finest coefficients of a few rows of squares in memory at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "coding/lattice_region.h"
#include "coding/level_join.h"
#include "coding/sections.h"

namespace smartsplat {

// Of a lattice of several tiers. Whoever uses it joins all nodes that are known before it reads on, but for some.
class LatticeRows {
 public:
  // Reads all but the finest tier. There may be `behind` rows of known nodes that are still to be joined while further
  // squares are read. Throws Error if a chunk is not valid, as does advance().
  LatticeRows(const LatticeHead& head, ChunkSource source, int behind, const Parallel& parallel);

  // Whether a lattice is read in this way: others are in one chunk.
  static bool serves(const LatticeHead& head) { return head.chunks.tiers().count() > 1; }

  // Rows of nodes that can be joined.
  int known() const { return known_after(read_); }
  // Calls body(i) for each i below `count`, which may join what is known, and reads the next row of squares meanwhile
  // if that is wanted and there is one.
  void advance(bool read, size_t count, const std::function<void(size_t)>& body, const Parallel& parallel);

  // The colours of known nodes, kJoinedSide a side or less, in three planes: rows `stride` apart, planes `plane` apart.
  // By any number of threads.
  void join(const Area& area, float* colours, ptrdiff_t stride, ptrdiff_t plane) const;

 private:
  static constexpr int kLevels = 2;  // of the finest tier
  // A band of those.
  struct Band {
    int log;                // log2 of the sides of a square's part
    ptrdiff_t columns;      // of all of it
    ptrdiff_t first, size;  // of its memory in a row of squares, and of a plane there
  };
  const Band& band(int level, Orientation orientation) const {
    return bands_[static_cast<size_t>((level - 1) * kOrientations + orientation)];
  }
  int known_after(int rows) const;
  int rows_to_keep(int behind) const;
  void read_square(int row, int column, const Parallel& parallel);
  size_t slot(int row) const { return static_cast<size_t>(row % kept_); }
  BandPlace place(int row, int level, Orientation orientation) const;
  bool copy(int level, int plane, Orientation orientation, const Area& area, float* to, float factor) const;
  void join_plane(int plane, const Area& area, const AreaValues<float>& to) const;

  LatticeHead head_;
  ChunkSource source_;
  LatticeRegion coarse_;
  LatticeRegion::Bands coarse_bands_;
  Buffer<float> low_;  // the low band of kLevels
  Squares squares_;
  std::vector<Band> bands_;
  ptrdiff_t row_size_ = 0;   // of the memory of a row of squares
  int kept_ = 0, read_ = 0;  // rows of squares
  Buffer<int32_t> memory_;
  int32_t* finest_ = nullptr;        // in it
  std::vector<FilledBands> filled_;  // [slot][column]
};

// The colours of all nodes, [3][rows][columns]. Throws Error if a chunk is not valid.
void read_lattice_values(const ChunkSource& source, const LatticeHead& head, float* values, const Parallel& parallel);

}  // namespace smartsplat
