// What stands at the front of a file: the header, and the index of its chunks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "container/bytes.h"
#include "container/tiers.h"

namespace smartsplat {

// What a picture is made of.
enum class Layer { kSplats, kLattice, kBlocks };

// What the header says of a lattice.
struct LatticeCode {
  int spacing_log = 0;  // log2 px
  int step_index = 0;
};

// A piece of metadata, and its bytes without the checksum.
struct MetadataEntry {
  uint8_t kind;
  uint64_t length;
};

struct Header {
  int width = 0, height = 0;
  bool grey = false;
  int bits = kLeastBits;                        // of a sample of the picture that was encoded
  int square_log = kGreatestSquareLog;          // of the splats' finest squares
  int lattice_square_log = kGreatestSquareLog;  // of the lattice's
  uint64_t splats = 0;                          // of all chunks
  int splat_step = 0;                           // index of their base step
  std::optional<LatticeCode> lattice;
  bool blocks = false;                  // for each of the splats' finest squares there is a chunk of them
  std::vector<MetadataEntry> metadata;  // of all kinds, in the order of the file
  std::optional<uint64_t> alpha;        // bytes of the file of the alpha picture

  Tiers splat_tiers() const { return Tiers::of_splats(width, height, square_log); }
  Tiers lattice_tiers() const;  // only where there is a lattice
  Tiers block_tiers() const { return Tiers::of_blocks(width, height, square_log); }
  Tiers tiers(Layer layer) const {
    return layer == Layer::kSplats ? splat_tiers() : layer == Layer::kLattice ? lattice_tiers() : block_tiers();
  }
};

// Where bytes stand in a file; a checksum follows them unless there are none.
struct Extent {
  uint64_t at = 0, length = 0;
  uint64_t end() const { return at + length + (length > 0 ? kCheckBytes : 0); }
};

// Something of each chunk of each layer, in the order of Tiers.
template <class T>
struct OfLayers {
  std::vector<T> splats, lattice, blocks;
  std::vector<T>& of(Layer layer) {
    return layer == Layer::kSplats ? splats : layer == Layer::kLattice ? lattice : blocks;
  }
  const std::vector<T>& of(Layer layer) const { return const_cast<OfLayers*>(this)->of(layer); }
};

// The whole front of a file.
struct FileMap : OfLayers<Extent> {
  Header header;
  std::vector<Extent> metadata;  // as the header's entries
  Extent alpha;                  // a file of its own, without a checksum behind it
  uint64_t head_bytes = 0;       // of header, index and their checksum
  uint64_t file_bytes = 0;
};

// Whether bytes begin as a file does, or are too few to tell.
bool begins_like_a_file(Bytes bytes);

// Bytes of header, index and checksum, from a start that holds kLongestStart bytes or the whole file. Throws Error of
// the kind kFormat where that is cut short or impossible.
uint64_t head_length(Bytes start);

// Reads the front of a file, which has to be whole; more may follow it. Throws Error of the kind kFormat for what is
// not a file of this kind, is of another major version, damaged or cut short, or says what cannot be: a size, flags or
// a kind of metadata that this program does not know, more splats than the chunks can hold, an index of another length.
FileMap read_map(Bytes head);

bool is_known_metadata(uint8_t kind);
// A kind of metadata in messages.
std::string named(uint8_t kind);

// Throw Error of the kind kFormat for what a header cannot say; the second reads it.
void check_lattice_code(const LatticeCode& lattice);
int read_square_log(Reader& reader);

// Header and index with their checksum, for chunks and metadata of those lengths.
std::vector<uint8_t> write_head(const Header& header, const OfLayers<uint64_t>& lengths);

// Calls visit(layer, first, count) for each run of chunks of a tier, in the order of the file.
template <class Visit>
void for_each_tier(const Header& header, Visit visit) {
  const Tiers splats = header.splat_tiers();
  const Tiers lattice = header.lattice ? header.lattice_tiers() : Tiers();
  const int coarsest = std::max(splats.count(), header.lattice ? lattice.count() : 0);
  for (int tier = coarsest - 1; tier >= 0; --tier) {
    if (header.lattice && tier < lattice.count())
      visit(Layer::kLattice, lattice.first(tier), lattice.squares(tier).count());
    if (tier < splats.count()) visit(Layer::kSplats, splats.first(tier), splats.squares(tier).count());
  }
  if (header.blocks) visit(Layer::kBlocks, 0, header.block_tiers().chunks());
}

}  // namespace smartsplat
