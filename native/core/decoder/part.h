// A part of a picture, from the chunks that it needs and no others.
#pragma once

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "coding/decoded_chunks.h"
#include "coding/lattice_region.h"
#include "decoder/file.h"

namespace smartsplat {

// Of decoded chunks that an open file keeps, unless its user says something else.
constexpr size_t kKeptBytes = size_t{64} << 20;

// Bytes of a file, checksums and all.
struct ByteRange {
  uint64_t at = 0, length = 0;
};

// How much of the lattice is looked at where a view is small: see lattice/low_band.h.
enum class Detail { kExact, kDraft, kSketch };

// The level of the low band that a view is drawn from, 0 for the nodes.
int low_for(const File& file, const View& view, Detail detail);

// What a view needs of a file. What it shows must not be empty.
struct PartPlan {
  PartPlan(const File& file, const View& view, Detail detail);

  // Of its chunks, in order.
  std::vector<ByteRange> ranges(const File& file) const;

  Window window;
  std::optional<LatticeRegion> region;
};

// Ranges that touch become one.
std::vector<ByteRange> joined(const std::vector<ByteRange>& ranges);

// A picture by itself for the views of one window of a file. What lies beyond the window is missing at its border, so
// that views have to lie within it, and must not be larger than the one that it was made for.
class Part {
 public:
  // Chunks that are kept are not read, and others are kept, if `kept` is not null. Throws Error as File does, and for
  // more work than such a window should take.
  Part(const File& file, PartPlan plan, DecodedChunks* kept, double work, const Parallel& parallel);

  void render(const View& view, const Surface& surface, double work, const Parallel& parallel) const;

  // Of the chunks that were looked at, with their checksums.
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  ChunkSource counted(const File& file, Layer layer);
  Buffer<float> lattice_of(const File& file, DecodedChunks* kept, double work, const Parallel& parallel);
  Blocks blocks_of(const File& file, double work, const Parallel& parallel);
  Scene scene(const File& file) const;

  std::atomic<uint64_t> bytes_read_{0};
  const PartPlan plan_;
  Buffer<float> parameters_;
  Buffer<float> values_;
  Blocks blocks_;
  Renderer renderer_;
};

}  // namespace smartsplat
