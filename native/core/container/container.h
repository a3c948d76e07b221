// The parts of a picture in chunks, and the file around them.
#pragma once

#include <cstdint>
#include <vector>

#include "container/header.h"

namespace smartsplat {

using Streams = std::vector<std::vector<uint8_t>>;

// The chunks of one part of the picture without their checksums, in the order of Tiers; empty ones too.
template <class Chunk>
struct SplatPart {
  uint64_t count = 0;  // of splats
  int step_index = 0;
  int square_log = kGreatestSquareLog;
  std::vector<Chunk> chunks;
};
template <class Chunk>
struct LatticePart {
  LatticeCode code;
  int square_log = kGreatestSquareLog;
  std::vector<Chunk> chunks;
};
template <class Chunk>
struct BlockPart {
  int square_log = kGreatestSquareLog;  // in a file that of the splats
  std::vector<Chunk> chunks;
};
using SplatBytes = SplatPart<Bytes>;
using LatticeBytes = LatticePart<Bytes>;
using BlockBytes = BlockPart<Bytes>;

struct Metadata {
  uint8_t kind;
  Bytes bytes;
};

// What a file holds; the bytes lie where somebody else's do.
struct Container {
  int width = 0, height = 0;
  bool grey = false;
  int bits = kLeastBits;
  SplatBytes splats;
  std::optional<LatticeBytes> lattice;
  std::optional<BlockBytes> blocks;
  std::vector<Metadata> metadata;
  std::optional<Bytes> alpha;  // the file of the alpha picture
};

// The header that says this.
Header header_of(const Container& container);

// Throws Error of the kind kFormat if there are blocks of other squares than the splats'.
std::vector<uint8_t> write_container(const Container& container);

// A part by itself, as it is handed from the encoder to the file: what the header says of it, its index, and its chunks
// with their checksums. So it is as long as what it adds to a file, but for a byte of a lattice or of blocks. Reading
// one does not look at the checksums. Throws Error of the kind kFormat if the bytes cannot be such a part of a picture
// of that size.
std::vector<uint8_t> pack(const SplatBytes& part);
std::vector<uint8_t> pack(const LatticeBytes& part);
std::vector<uint8_t> pack(const BlockBytes& part);
SplatBytes unpack_splats(Bytes packed, int width, int height);
LatticeBytes unpack_lattice(Bytes packed, int width, int height);
BlockBytes unpack_blocks(Bytes packed, int width, int height);

// Bytes of the same, from the lengths of the chunks alone.
uint64_t packed_bytes(const FileMap& map, Layer layer);

template <template <class> class Part>
Part<Bytes> view_of(const Part<std::vector<uint8_t>>& owned) {
  Part<Bytes> part;
  if constexpr (requires { owned.count; }) {
    part.count = owned.count;
    part.step_index = owned.step_index;
  } else if constexpr (requires { owned.code; }) {
    part.code = owned.code;
  }
  part.square_log = owned.square_log;
  part.chunks.assign(owned.chunks.begin(), owned.chunks.end());
  return part;
}

}  // namespace smartsplat
