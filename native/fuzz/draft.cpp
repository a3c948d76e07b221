#include "fuzz/draft.h"

#include <algorithm>

#include "container/crc32.h"
#include "format/format.h"

using namespace smartsplat;

namespace {

constexpr size_t kBeforeNumbers = kMagic.size() + 2;

void put_checksum(std::vector<uint8_t>& file, size_t at, Bytes of) {
  std::vector<uint8_t> bytes;
  append_integer(bytes, crc32(of), 4);
  std::ranges::copy(bytes, file.begin() + static_cast<ptrdiff_t>(at));
}

}  // namespace

Part* Draft::find(uint8_t kind) {
  const auto found = std::ranges::find(parts, kind, &Part::kind);
  return found == parts.end() ? nullptr : &*found;
}

bool Draft::has_size() const {
  return std::min(width, height) >= 1 && std::max(width, height) <= kGreatestSide && (flags & ~kFlagGrey) == 0;
}

std::optional<Draft> read_draft(Bytes file) try {
  Reader reader(file);
  reader.take(kMagic.size());
  Draft draft{reader.byte(), reader.byte(), reader.number(), reader.number(), reader.number(), {}};
  std::vector<uint64_t> lengths(std::min(reader.number(), kMostSections));
  for (uint64_t& length : lengths) {
    draft.parts.push_back({reader.byte(), {}});
    length = reader.number();
    reader.integer(4);
  }
  reader.integer(4);
  for (size_t i = 0; i < lengths.size(); ++i) {
    const Bytes bytes = reader.take(lengths[i]);
    draft.parts[i].bytes.assign(bytes.begin(), bytes.end());
  }
  return draft;
} catch (const Error&) {
  return std::nullopt;
}

std::vector<uint8_t> write_draft(const Draft& draft) {
  std::vector<uint8_t> file(kMagic.begin(), kMagic.end());
  append(file, std::array{draft.major, draft.minor});
  for (const uint64_t number : {draft.width, draft.height, draft.flags, uint64_t{draft.parts.size()}}) {
    append_number(file, number);
  }
  for (const Part& part : draft.parts) {
    file.push_back(part.kind);
    append_number(file, part.bytes.size());
    append_integer(file, crc32(part.bytes), 4);
  }
  append_integer(file, crc32(file), 4);
  for (const Part& part : draft.parts) append(file, part.bytes);
  return file;
}

void repair(std::vector<uint8_t>& file) try {
  struct Entry {
    size_t checksum_at;
    uint64_t length;
  };
  std::vector<uint8_t> copy = file;
  Reader reader(copy);
  reader.take(kBeforeNumbers);
  for (int i = 0; i < 3; ++i) reader.number();
  std::vector<Entry> table(std::min(reader.number(), kMostSections));
  for (Entry& entry : table) {
    reader.byte();
    entry.length = reader.number();
    entry.checksum_at = reader.at();
    reader.integer(4);
  }
  const size_t header_end = reader.at();
  reader.integer(4);
  for (const Entry& entry : table) {
    if (entry.length > copy.size() - reader.at()) break;
    put_checksum(file, entry.checksum_at, reader.take(entry.length));
  }
  put_checksum(file, header_end, Bytes(file).first(header_end));
} catch (const Error&) {
  // It ends within its header, or says an impossible number there: no checksum is ever compared.
}
