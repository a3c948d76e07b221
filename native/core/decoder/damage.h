// Files of which something is damaged or missing, but for their fronts: what is left of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "decoder/file.h"

namespace smartsplat {

struct Damage {
  enum class Of { kSplats, kLattice, kMetadata, kAlpha, kBlocks };
  Of of = Of::kSplats;
  bool missing = false;  // the file ends before
  int kind = 0;          // of metadata
  Place place;           // of a chunk, and what its square has of the picture, px; of all else the whole picture
  Rectangle square{};
  uint64_t depending = 0;  // finer chunks of the lattice that cannot be decoded without it
};

// What of a file has right checksums, as if that were all, and what has not.
struct Salvaged {
  File file;                    // it has no alpha picture
  std::optional<Extent> alpha;  // what is there of the file of that, which has a valid front
  std::vector<Damage> damage;
};

// Looks at all checksums. The bytes may end anywhere behind the front, and must live as long. Throws Error of the kind
// kFormat if the front is not valid, kLimit if more is lost than can be listed.
Salvaged salvage(Bytes bytes);

}  // namespace smartsplat
