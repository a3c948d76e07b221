// Chunks that have been decoded, kept for the next view that needs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "coding/splat_stream.h"

namespace smartsplat {

// One chunk: splats with their centres counted from the corner of the square, or coefficients down to a level.
struct DecodedChunk {
  std::vector<SplatCode> splats;
  std::vector<int16_t> coefficients;  // in the order of lattice_region.cpp, runs of zeros packed
  int finest = 0;                     // level of the last coefficients

  size_t bytes() const;
};
using SharedChunk = std::shared_ptr<const DecodedChunk>;

// Those that were used last, up to so many bytes. Threads may share one.
class DecodedChunks {
 public:
  explicit DecodedChunks(size_t most_bytes) : most_bytes_(most_bytes) {}
  // Drops what is too much.
  void limit(size_t most_bytes);

  // Null if it is not there, or has no coefficients of that level.
  SharedChunk find(bool lattice, uint64_t chunk, int finest) const;
  void keep(bool lattice, uint64_t chunk, SharedChunk decoded);

  size_t bytes() const;

 private:
  struct Entry {
    uint64_t key = 0, used = 0;
    SharedChunk chunk;
  };
  std::vector<Entry>::iterator entry(bool lattice, uint64_t chunk) const;
  void drop_oldest();  // until there is room

  mutable std::mutex lock_;
  size_t most_bytes_;
  mutable std::vector<Entry> entries_;  // a few thousand
  mutable uint64_t clock_ = 0;
  size_t bytes_ = 0;
};

}  // namespace smartsplat
