// Files of which something is damaged or missing, but for their fronts: what is left of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "decoder/file.h"

namespace smartsplat {

struct Damage {
  enum class Of { kSplats, kLattice, kMetadata, kAlpha };
  Of of = Of::kSplats;
  bool missing = false;  // the file ends before
  int kind = 0;          // of metadata
  Place place;           // of a chunk, and what its square has of the picture, px; of all else the whole picture
  Rectangle square{};
  uint64_t depending = 0;  // finer chunks of the lattice that cannot be decoded without it
};

// What a file holds that can be decoded, as if that were all, and what cannot: of the colours and of the alpha.
struct Salvaged {
  File file;
  std::shared_ptr<const File> alpha;  // null if there is none, or nothing of it is left
  std::vector<Damage> damage, alpha_damage;
};

// Looks at all checksums. The bytes may end anywhere behind the front, and must live as long. Throws Error of the kind
// kFormat if the front is not valid.
Salvaged salvage(Bytes bytes);

}  // namespace smartsplat
