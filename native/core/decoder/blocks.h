// The blocks of a picture: pixels that stand in the place of what splats and lattice show there.
#pragma once

#include <cstdint>
#include <vector>

#include "coding/block_stream.h"
#include "coding/sections.h"
#include "common/parallel.h"
#include "rendering/surface.h"
#include "rendering/view.h"

namespace smartsplat {

// What is known of blocks before their chunks are read.
struct BlockHead {
  int width, height;  // of the picture, px
  Tiers tiers;
  SampleFormat format;
};

// The chunks whose squares a window shows some of.
std::vector<uint64_t> block_chunks_near(const Tiers& tiers, const Window& window);

// Immutable once it is made, so that any number of threads may draw at once.
class Blocks {
 public:
  Blocks() = default;
  // Of those chunks; all else is left out. Throws Error if one is not valid, or has more pixels than `bytes`, the sum
  // of their lengths, should stand for; see budget.h for `work`.
  Blocks(const ChunkSource& source, const BlockHead& head, const std::vector<uint64_t>& chunks, double work,
         const Parallel& parallel);

  // All that the chunks hold, for tests of a decoder: of each in turn, but for those left out, the index of each pixel
  // in rows, then its palette, three samples a colour.
  std::vector<int32_t> integers() const;

  // Draws over a view of the picture without them: each pixel shows its share of what its area has of blocks.
  void draw(const View& view, const Surface& surface, const Parallel& parallel) const;

 private:
  struct Mean;
  struct Span;

  template <class Visit>
  void for_squares(int first, int after, Visit visit) const;
  const BlockPixels& square_at(int x, int y) const;
  Mean mean(const Span& across, const Span& down) const;
  int only_index(const Span& across, const Span& down) const;
  template <class Sample>
  static void blend(const Mean& seen, double area, double unit, const Surface& pixel, Sample white);
  void copy(const View& view, const Surface& surface, const Parallel& parallel) const;
  void mix(const View& view, const Surface& surface, const Parallel& parallel) const;

  int width_ = 0, height_ = 0, log_ = 0;
  size_t columns_ = 0;
  double white_ = 255;                // the greatest sample
  std::vector<BlockPixels> squares_;  // of all chunks; none at all if no chunk has blocks
};

}  // namespace smartsplat
