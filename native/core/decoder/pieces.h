// Pieces of a file that lie in memory here and there.
#pragma once

#include <map>

#include "decoder/file.h"

namespace smartsplat {

// The bytes must live as long.
class Pieces {
 public:
  // What stands in a file from `at` on; a longer piece from there on takes the place of a shorter one.
  void add(uint64_t at, Bytes bytes) {
    Bytes& piece = pieces_[at];
    if (bytes.size() > piece.size()) piece = bytes;
  }

  // A source that looks for an extent within one piece; the pieces must live as long.
  ByteSource source() const;

 private:
  std::map<uint64_t, Bytes> pieces_;
};

// A source that has nothing.
ByteSource nowhere();

}  // namespace smartsplat
