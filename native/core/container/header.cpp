#include "container/header.h"

#include <algorithm>
#include <bitset>
#include <cstdio>
#include <string>

#include "container/crc32.h"

namespace smartsplat {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kFormat, text); }

void read_version(Reader& reader) {
  if (!begins_like_a_file(reader.take(kMagic.size()))) refuse("not an .ssplat file");
  const int major = reader.take(2)[0];
  if (major != kMajor) refuse("version " + std::to_string(major) + " of the format is not known to this program");
}

void read_size(Reader& reader, Header& header) {
  const uint64_t width = reader.number(), height = reader.number();
  if (width < 1 || width > kGreatestSide || height < 1 || height > kGreatestSide) {
    refuse("impossible size " + std::to_string(width) + " x " + std::to_string(height));
  }
  header.width = static_cast<int>(width);
  header.height = static_cast<int>(height);
}

void read_flags(Reader& reader, Header& header) {
  const uint64_t flags = reader.number(), bits = ((flags & ~(kFlagAlpha | kFlagBlocks)) >> kFlagBits) + kLeastBits;
  if (bits > kGreatestBits) refuse("the header has flags that this program does not know");
  header.grey = (flags & kFlagGrey) != 0;
  header.bits = static_cast<int>(bits);
  header.blocks = (flags & kFlagBlocks) != 0;
  if ((flags & kFlagAlpha) != 0) header.alpha = 0;  // its length follows
}

void read_lattice_code(Reader& reader, Header& header) {
  const int spacing = reader.byte();
  if (spacing == 0) return;
  const LatticeCode lattice{spacing - 1, static_cast<int>(reader.integer(2))};
  check_lattice_code(lattice);
  header.lattice = lattice;
  header.lattice_square_log = read_square_log(reader);
}

void read_metadata_table(Reader& reader, Header& header) {
  const uint64_t count = reader.number();
  if (count > kMostMetadata) refuse("impossible number of metadata, " + std::to_string(count));
  std::bitset<256> seen;
  for (uint64_t i = 0; i < count; ++i) {
    const uint8_t kind = reader.byte();
    header.metadata.push_back({kind, reader.number()});
    if (seen[kind]) refuse(named(kind) + " stand twice");
    seen[kind] = true;
    if (!is_known_metadata(kind) && (kind & kCritical)) refuse(named(kind) + " need a later version of this program");
  }
}

// All that stands before the index; comes back with the length of that.
uint64_t read_start(Reader& reader, Header& header) {
  read_version(reader);
  read_size(reader, header);
  read_flags(reader, header);
  header.square_log = read_square_log(reader);
  header.splats = reader.number();
  header.splat_step = reader.byte();
  read_lattice_code(reader, header);
  read_metadata_table(reader, header);
  if (header.alpha) header.alpha = reader.number();
  return reader.number();
}

// Enough room for as many chunks as that, for they are made before anything is read.
void check_index(const Header& header, uint64_t bytes) {
  uint64_t chunks = 0;
  for_each_tier(header, [&](Layer, uint64_t, uint64_t count) { chunks += count; });
  if (chunks > bytes)
    refuse(std::to_string(chunks) + " chunks cannot stand in an index of " + std::to_string(bytes) + " bytes");
}

void read_index(Reader& reader, FileMap& map) {
  for_each_tier(map.header, [&](Layer layer, uint64_t first, uint64_t count) {
    std::vector<Extent>& extents = map.of(layer);
    extents.resize(map.header.tiers(layer).chunks());
    for (uint64_t i = first; i < first + count; ++i) extents[i].length = reader.number();
  });
}

// Sets the places, of metadata and of chunks as the index has them behind these.
void place_all(FileMap& map) {
  uint64_t at = map.head_bytes;
  const auto place = [&at](Extent& extent) {
    extent.at = at;
    at = extent.end();
    if (at > kGreatestNumber) refuse("the file says that it is longer than any file");
  };
  for (const MetadataEntry& entry : map.header.metadata) place(map.metadata.emplace_back(Extent{0, entry.length}));
  for_each_tier(map.header, [&](Layer layer, uint64_t first, uint64_t count) {
    Extent* const extents = map.of(layer).data() + first;
    std::for_each(extents, extents + count, place);
  });
  map.alpha = {at, map.header.alpha.value_or(0)};
  map.file_bytes = at + map.alpha.length;
  if (map.file_bytes > kGreatestNumber) refuse("the file says that it is longer than any file");
}

void check_splats(const FileMap& map) {
  uint64_t most = 0;
  for (const Extent& chunk : map.splats) most += chunk.length > 0 ? kSplatsPerByte * (chunk.length + kSplatSlack) : 0;
  if (map.header.splats > most) {
    refuse(std::to_string(map.header.splats) + " splats cannot stand in chunks for " + std::to_string(most));
  }
}

}  // namespace

Tiers Header::lattice_tiers() const {
  return Tiers::of_lattice(width, height, lattice_square_log, lattice->spacing_log);
}

void check_lattice_code(const LatticeCode& lattice) {
  if (lattice.spacing_log > kGreatestSpacingLog) {
    refuse("a lattice's spacing cannot be 2^" + std::to_string(lattice.spacing_log) + " px");
  }
  if (lattice.step_index >= kLatticeSteps) {
    refuse("a lattice's step is numbered " + std::to_string(lattice.step_index) + ", beyond " +
           std::to_string(kLatticeSteps));
  }
}

int read_square_log(Reader& reader) {
  const int log = reader.byte();
  if (log < kLeastSquareLog || log > kGreatestSquareLog) refuse("squares cannot have 2^" + std::to_string(log) + " px");
  return log;
}

bool is_known_metadata(uint8_t kind) {
  return (kIccSection <= kind && kind <= kColourCodeSection) || kind == kOverviewSection;
}

std::string named(uint8_t kind) {
  char text[32];
  std::snprintf(text, sizeof text, "metadata %#x", kind);
  return text;
}

bool begins_like_a_file(Bytes bytes) {
  const size_t count = std::min(bytes.size(), kMagic.size());
  return std::equal(kMagic.begin(), kMagic.begin() + static_cast<ptrdiff_t>(count), bytes.begin());
}

uint64_t head_length(Bytes start) {
  if (!begins_like_a_file(start)) refuse("not an .ssplat file");
  Reader reader(start);
  Header header;
  const uint64_t index = read_start(reader, header);
  check_index(header, index);
  return reader.at() + index + kCheckBytes;
}

FileMap read_map(Bytes head) {
  const uint64_t length = head_length(head);
  if (length > head.size()) refuse("the file ends too early");
  const Bytes checked = head.first(static_cast<size_t>(length - kCheckBytes));
  if (Reader(head.subspan(checked.size())).integer(4) != crc32(checked)) refuse("the header is damaged");
  FileMap map;
  Reader reader(checked);
  read_start(reader, map.header);
  read_index(reader, map);
  if (!reader.ended()) refuse("the index is longer than it should be");
  map.head_bytes = length;
  place_all(map);
  check_splats(map);
  return map;
}

std::vector<uint8_t> write_head(const Header& header, const OfLayers<uint64_t>& lengths) {
  std::vector<uint8_t> head, index;
  head.reserve(kLongestStart);
  append(head, kMagic);
  append(head, std::array{kMajor, kMinor});
  append_number(head, static_cast<uint64_t>(header.width));
  append_number(head, static_cast<uint64_t>(header.height));
  append_number(head, static_cast<uint64_t>(header.bits - kLeastBits) << kFlagBits | (header.grey ? kFlagGrey : 0) |
                          (header.alpha ? kFlagAlpha : 0) | (header.blocks ? kFlagBlocks : 0));
  head.push_back(static_cast<uint8_t>(header.square_log));
  append_number(head, header.splats);
  head.push_back(static_cast<uint8_t>(header.splat_step));
  head.push_back(static_cast<uint8_t>(header.lattice ? header.lattice->spacing_log + 1 : 0));
  if (header.lattice) {
    append_integer(head, static_cast<uint32_t>(header.lattice->step_index), 2);
    head.push_back(static_cast<uint8_t>(header.lattice_square_log));
  }
  append_number(head, header.metadata.size());
  for (const MetadataEntry& entry : header.metadata) {
    head.push_back(entry.kind);
    append_number(head, entry.length);
  }
  if (header.alpha) append_number(head, *header.alpha);
  for_each_tier(header, [&](Layer layer, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; ++i) append_number(index, lengths.of(layer)[i]);
  });
  append_number(head, index.size());
  append(head, index);
  append_integer(head, crc32(head), 4);
  return head;
}

}  // namespace smartsplat
