// Whole files: the header, the table of contents and the sections around the streams.
#include "fuzz/exercise.h"
#include "fuzz/mutations.h"
#include "fuzz/target.h"

namespace {

void mutate_table(Draft& draft, Random& random) {
  auto& parts = draft.parts;
  const size_t at = random.below(parts.size() + 1);
  const auto place = parts.begin() + static_cast<ptrdiff_t>(at);
  if (at == parts.size() || random.one_in(4)) {
    const uint8_t kind = random.pick<uint8_t>({0x81, 0x82, 0x10, 0x11, 0x00, 0x12, 0x83, 0xFF});
    parts.insert(place, random.one_in(80) ? 63 : 1, {kind, std::vector<uint8_t>(random.below(40), kind)});
  } else if (random.one_in(3)) {
    parts.erase(place);
  } else if (random.one_in(2)) {
    std::swap(parts[at], parts[random.below(parts.size())]);
  } else {
    parts[at].kind = static_cast<uint8_t>(random.below(256));
  }
}

// The bytes of one section, or one of what stands before them.
void mutate_draft(Draft& draft, size_t most, Random& random) {
  switch (random.below(6)) {
    case 0:
      (random.one_in(4) ? draft.major : draft.minor) = static_cast<uint8_t>(random.below(256));
      break;
    case 1:
      draft.flags ^= uint64_t{1} << random.below(random.one_in(4) ? 40 : 1);
      break;
    case 2:
      mutate_size(draft, random);
      break;
    case 3:
      if (!draft.parts.empty()) mutate_bytes(draft.parts[random.below(draft.parts.size())].bytes, most / 2);
      break;
    default:
      mutate_table(draft, random);
  }
}

// An eighth keeps wrong checksums; some of the rest have right ones around nonsense.
void mutate(std::vector<uint8_t>& file, size_t most, Random& random) {
  std::optional<Draft> draft = read_draft(file);
  if (draft && !random.one_in(3)) {
    mutate_draft(*draft, most, random);
    file = write_draft(*draft);
    return;
  }
  mutate_bytes(file, most);
  if (!random.one_in(3)) repair(file);
}

}  // namespace

const Target kTarget = {mutate, 1, [](const Input& input) { exercise(input); }};
