#include "fuzz/draft.h"

#include <algorithm>

#include "container/crc32.h"
#include "format/format.h"

using namespace smartsplat;

namespace {

constexpr uint64_t kMostChunks = 1 << 12;  // of a file that is taken apart

// What stands before the lengths of the chunks; comes back with the bytes of these. The last length is that of the
// alpha picture, if there is one.
uint64_t read_start(Reader& reader, Draft& draft, std::vector<uint64_t>& lengths) {
  reader.take(kMagic.size());
  draft.major = reader.byte();
  draft.minor = reader.byte();
  for (uint64_t* number : {&draft.width, &draft.height, &draft.flags}) *number = reader.number();
  draft.square_log = reader.byte();
  draft.splats = reader.number();
  draft.splat_step = reader.byte();
  draft.spacing = reader.byte();
  if (draft.spacing > 0) {
    draft.lattice_step = static_cast<uint16_t>(reader.integer(2));
    draft.lattice_square_log = reader.byte();
  }
  lengths.resize(std::min(reader.number(), kMostMetadata));
  for (uint64_t& length : lengths) {
    draft.metadata.push_back({reader.byte(), {}});
    length = reader.number();
  }
  if (draft.has_alpha()) lengths.push_back(reader.number());
  return reader.number();
}

std::vector<uint64_t> read_index(Reader& reader, uint64_t bytes) {
  Reader index(reader.take(bytes));
  std::vector<uint64_t> lengths;
  while (!index.ended()) lengths.push_back(index.number());
  if (lengths.size() > kMostChunks) throw Error(ErrorKind::kLimit, "too many chunks");
  return lengths;
}

void append_checked(std::vector<uint8_t>& file, Bytes piece) {
  append(file, piece);
  if (!piece.empty()) append_integer(file, crc32(piece), 4);
}

void put_checksum(std::vector<uint8_t>& file, size_t at, Bytes of) {
  std::vector<uint8_t> bytes;
  append_integer(bytes, crc32(of), 4);
  std::ranges::copy(bytes, file.begin() + static_cast<ptrdiff_t>(at));
}

// The header that a draft stands for, if it says nothing impossible.
Header header_of(const Draft& draft) {
  Header header;
  header.width = draft.columns();
  header.height = draft.rows();
  header.square_log = draft.square_log;
  header.lattice_square_log = draft.lattice_square_log;
  header.blocks = (draft.flags & kFlagBlocks) != 0;
  if (draft.spacing > 0) header.lattice = LatticeCode{draft.spacing - 1, draft.lattice_step};
  return header;
}

// Calls visit(layer, place among its own, place in the file) for the chunks that there are.
template <class Visit>
void for_each_chunk(const Draft& draft, Visit visit) {
  size_t next = 0;
  for_each_tier(header_of(draft), [&](Layer layer, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count && next < draft.chunks.size(); ++i) visit(layer, i, next++);
  });
}

}  // namespace

bool Draft::has_size() const {
  return std::min(width, height) >= 1 && std::max(width, height) <= kGreatestSide &&
         (flags & ~(kFlagAlpha | kFlagBlocks)) <= kFlagGrey && kLeastSquareLog <= square_log &&
         square_log <= kGreatestSquareLog && spacing <= kGreatestSpacingLog + 1 && lattice_step < kLatticeSteps &&
         (spacing == 0 || (kLeastSquareLog <= lattice_square_log && lattice_square_log <= kGreatestSquareLog)) &&
         header_of(*this).splat_tiers().chunks() <= kMostChunks &&
         (spacing == 0 || header_of(*this).lattice_tiers().chunks() <= kMostChunks);
}

SplatBytes Draft::splat_part() const {
  SplatBytes part{splats, splat_step, square_log, {}};
  part.chunks.resize(header_of(*this).splat_tiers().chunks());
  for_each_chunk(*this, [&](Layer layer, uint64_t own, size_t place) {
    if (layer == Layer::kSplats) part.chunks[own] = chunks[place];
  });
  return part;
}

std::optional<LatticeBytes> Draft::lattice_part() const {
  const Header header = header_of(*this);
  if (!header.lattice) return std::nullopt;
  LatticeBytes part{*header.lattice, lattice_square_log, {}};
  part.chunks.resize(header.lattice_tiers().chunks());
  for_each_chunk(*this, [&](Layer layer, uint64_t own, size_t place) {
    if (layer == Layer::kLattice) part.chunks[own] = chunks[place];
  });
  return part;
}

void Draft::put(const SplatBytes& splat_part, const std::optional<LatticeBytes>& lattice_part) {
  Streams kept, blocks(header_of(*this).block_tiers().chunks());
  for_each_chunk(*this, [&](Layer layer, uint64_t own, size_t place) {
    if (layer == Layer::kBlocks) blocks[own] = chunks[place];
  });
  splats = splat_part.count;
  splat_step = static_cast<uint8_t>(splat_part.step_index);
  spacing = static_cast<uint8_t>(lattice_part ? lattice_part->code.spacing_log + 1 : 0);
  if (lattice_part) {
    lattice_step = static_cast<uint16_t>(lattice_part->code.step_index);
    lattice_square_log = static_cast<uint8_t>(lattice_part->square_log);
  }
  for_each_tier(header_of(*this), [&](Layer layer, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; ++i) {
      const Bytes chunk = layer == Layer::kBlocks    ? Bytes(blocks[i])
                          : layer == Layer::kLattice ? lattice_part->chunks[i]
                                                     : splat_part.chunks[i];
      kept.emplace_back(chunk.begin(), chunk.end());
    }
  });
  chunks = std::move(kept);
}

std::optional<Draft> read_draft(Bytes file) try {
  Reader reader(file);
  Draft draft;
  std::vector<uint64_t> extras;
  const uint64_t index_bytes = read_start(reader, draft, extras);
  const std::vector<uint64_t> lengths = read_index(reader, index_bytes);
  reader.integer(4);
  const auto piece = [&reader](uint64_t length) {
    const Bytes bytes = reader.take(length);
    if (length > 0) reader.take(kCheckBytes);
    return std::vector<uint8_t>(bytes.begin(), bytes.end());
  };
  for (size_t i = 0; i < draft.metadata.size(); ++i) draft.metadata[i].bytes = piece(extras[i]);
  for (const uint64_t length : lengths) draft.chunks.push_back(piece(length));
  if (draft.has_alpha()) {
    const Bytes alpha = reader.take(extras.back());
    draft.alpha.assign(alpha.begin(), alpha.end());
  }
  return draft;
} catch (const Error&) {
  return std::nullopt;
}

std::vector<uint8_t> write_draft(const Draft& draft) {
  std::vector<uint8_t> file(kMagic.begin(), kMagic.end()), index;
  append(file, std::array{draft.major, draft.minor});
  for (const uint64_t number : {draft.width, draft.height, draft.flags}) append_number(file, number);
  file.push_back(draft.square_log);
  append_number(file, draft.splats);
  append(file, std::array{draft.splat_step, draft.spacing});
  if (draft.spacing > 0) {
    append_integer(file, draft.lattice_step, 2);
    file.push_back(draft.lattice_square_log);
  }
  append_number(file, draft.metadata.size());
  for (const Extra& extra : draft.metadata) {
    file.push_back(extra.kind);
    append_number(file, extra.bytes.size());
  }
  if (draft.has_alpha()) append_number(file, draft.alpha.size());
  for (const auto& chunk : draft.chunks) append_number(index, chunk.size());
  append_number(file, index.size());
  append(file, index);
  append_integer(file, crc32(file), 4);
  for (const Extra& extra : draft.metadata) append_checked(file, extra.bytes);
  for (const auto& chunk : draft.chunks) append_checked(file, chunk);
  if (draft.has_alpha()) append(file, draft.alpha);
  return file;
}

void repair(std::vector<uint8_t>& file) try {
  const std::vector<uint8_t> copy = file;
  Reader reader(copy);
  Draft draft;
  std::vector<uint64_t> extras;
  const uint64_t index_bytes = read_start(reader, draft, extras);
  std::vector<uint64_t> lengths = read_index(reader, index_bytes);
  const size_t header_end = reader.at();
  reader.integer(4);
  lengths.insert(lengths.begin(), extras.begin(), extras.begin() + static_cast<ptrdiff_t>(draft.metadata.size()));
  put_checksum(file, header_end, Bytes(file).first(header_end));
  for (const uint64_t length : lengths) {
    if (length == 0) continue;
    const Bytes piece = reader.take(length);
    const size_t end = reader.at();
    reader.take(kCheckBytes);
    put_checksum(file, end, piece);
  }
  if (!draft.has_alpha() || reader.at() == 0) return;
  std::vector<uint8_t> alpha(file.begin() + static_cast<ptrdiff_t>(reader.at()), file.end());
  repair(alpha);  // of files in files in files, too: each is shorter than the one around it
  std::ranges::copy(alpha, file.begin() + static_cast<ptrdiff_t>(reader.at()));
} catch (const Error&) {
  // It ends early, or says an impossible number: no further checksum is ever compared.
}
