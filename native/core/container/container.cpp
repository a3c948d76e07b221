#include "container/container.h"

#include <algorithm>
#include <bitset>
#include <cstdio>
#include <string>

#include "container/crc32.h"

namespace smartsplat {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kFormat, text); }

struct Entry {
  uint8_t kind;
  uint64_t length;
  uint32_t checksum;
};

bool is_known(uint8_t kind) {
  return kind == kSplatSection || kind == kLatticeSection || kind == kIccSection || kind == kExifSection;
}

std::string named(uint8_t kind) {
  char text[32];
  std::snprintf(text, sizeof text, "section %#x", kind);
  return text;
}

void check_version(Reader& reader) {
  reader.take(kMagic.size());
  const int major = reader.take(2)[0];
  if (major != kMajor) refuse("version " + std::to_string(major) + " of the format is not known to this program");
}

std::vector<Entry> read_table(Reader& reader, uint64_t count) {
  if (count > kMostSections) refuse("impossible number of sections, " + std::to_string(count));
  std::vector<Entry> table;
  for (uint64_t i = 0; i < count; ++i) {
    Entry entry{reader.byte(), 0, 0};
    entry.length = reader.number();
    entry.checksum = reader.integer(4);
    table.push_back(entry);
  }
  return table;
}

// What stands before the sections.
struct Head {
  uint64_t width, height, flags;
  std::vector<Entry> table;
};

Head read_head(Reader& reader) {
  check_version(reader);
  uint64_t numbers[4];  // width, height, flags, count of sections
  for (uint64_t& number : numbers) number = reader.number();
  const auto [width, height, flags, count] = numbers;
  if (width < 1 || width > kGreatestSide || height < 1 || height > kGreatestSide) {
    refuse("impossible size " + std::to_string(width) + " x " + std::to_string(height));
  }
  Head head{width, height, flags, read_table(reader, count)};
  const uint32_t checksum = crc32(reader.taken());
  if (reader.integer(4) != checksum) refuse("the header is damaged");
  return head;
}

std::vector<Section> read_sections(Reader& reader, const std::vector<Entry>& table) {
  std::vector<Section> sections;
  std::bitset<256> seen;
  for (const Entry& entry : table) {
    const Bytes bytes = reader.take(entry.length);
    if (crc32(bytes) != entry.checksum) refuse(named(entry.kind) + " is damaged");
    if (seen[entry.kind]) refuse(named(entry.kind) + " stands twice");
    seen[entry.kind] = true;
    if (is_known(entry.kind)) {
      sections.push_back({entry.kind, bytes});
    } else if (entry.kind & kCritical) {
      refuse(named(entry.kind) + " needs a later version of this program");
    }
  }
  if (!reader.ended()) refuse("the file is longer than it says");
  return sections;
}

}  // namespace

std::optional<Bytes> Container::find(uint8_t kind) const {
  for (const Section& section : sections) {
    if (section.kind == kind) return section.bytes;
  }
  return std::nullopt;
}

bool begins_like_a_file(Bytes bytes) {
  const size_t count = std::min(bytes.size(), kMagic.size());
  return std::equal(kMagic.begin(), kMagic.begin() + static_cast<ptrdiff_t>(count), bytes.begin());
}

uint64_t announced_length(Bytes start) {
  Reader reader(start);
  uint64_t length = 0;
  for (const Entry& entry : read_head(reader).table) length += entry.length;
  return reader.at() + length;
}

Container read_container(Bytes file) {
  if (!begins_like_a_file(file)) refuse("not an .ssplat file");
  Reader reader(file);
  const Head head = read_head(reader);
  if (head.flags & ~kFlagGrey) refuse("the header has flags that this program does not know");
  Container container{static_cast<int>(head.width), static_cast<int>(head.height), (head.flags & kFlagGrey) != 0,
                      read_sections(reader, head.table)};
  if (!container.find(kSplatSection)) refuse("the file has no splats");
  return container;
}

std::vector<uint8_t> write_container(const Container& container) {
  std::vector<uint8_t> file(kMagic.begin(), kMagic.end());
  file.push_back(kMajor);
  file.push_back(kMinor);
  append_number(file, static_cast<uint64_t>(container.width));
  append_number(file, static_cast<uint64_t>(container.height));
  append_number(file, container.grey ? kFlagGrey : 0);
  append_number(file, container.sections.size());
  for (const Section& section : container.sections) {
    file.push_back(section.kind);
    append_number(file, section.bytes.size());
    append_integer(file, crc32(section.bytes), 4);
  }
  append_integer(file, crc32(file), 4);
  for (const Section& section : container.sections) append(file, section.bytes);
  return file;
}

}  // namespace smartsplat
