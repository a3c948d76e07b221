// A part of a picture, from the chunks that it needs and no others.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "coding/lattice_region.h"
#include "decoder/file.h"

namespace smartsplat {

// Bytes of a file, checksums and all.
struct ByteRange {
  uint64_t at = 0, length = 0;
};

// What a view needs of a file beside its front: its chunks, in order. What the view shows must not be empty.
std::vector<ByteRange> ranges_for(const File& file, const View& view);

// Ranges that touch become one.
std::vector<ByteRange> joined(const std::vector<ByteRange>& ranges);

// A picture by itself for the views of one window of a file. What lies beyond the window is missing at its border, so
// that views have to lie within it.
class Part {
 public:
  // What a view shows must not be empty. Throws Error as File does, and for more work than such a window should take.
  Part(const File& file, const View& view, double work, const Parallel& parallel);

  void render(const View& view, const Surface& surface, double work, const Parallel& parallel) const;

  // Of the chunks that were looked at, with their checksums.
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  ChunkSource counted(const File& file, Layer layer);
  Blocks blocks_of(const File& file, double work, const Parallel& parallel);
  Buffer<float> lattice_of(const File& file, double work, const Parallel& parallel);
  Scene scene(const File& file) const;

  std::atomic<uint64_t> bytes_read_{0};
  Window window_;
  std::optional<LatticeRegion> region_;
  Buffer<float> parameters_;
  Buffer<float> values_;
  Blocks blocks_;
  Renderer renderer_;
};

}  // namespace smartsplat
