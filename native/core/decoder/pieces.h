// Pieces of a file that lie in memory here and there.
#pragma once

#include <utility>
#include <vector>

#include "decoder/file.h"

namespace smartsplat {

// The bytes must live as long.
class Pieces {
 public:
  // What stands in a file from `at` on, which must not be before the piece that was added last.
  void add(uint64_t at, Bytes bytes) { pieces_.emplace_back(at, bytes); }

  // A source that looks for an extent within one piece; the pieces must live as long.
  ByteSource source() const;

 private:
  std::vector<std::pair<uint64_t, Bytes>> pieces_;
};

// A source that has nothing.
ByteSource nowhere();

}  // namespace smartsplat
