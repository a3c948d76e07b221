// Whole files: the header, the index, and the chunks and metadata around the streams.
#include "fuzz/exercise.h"
#include "fuzz/mutations.h"
#include "fuzz/target.h"

namespace {

void mutate_metadata(Draft& draft, Random& random) {
  auto& extras = draft.metadata;
  const size_t at = random.below(extras.size() + 1);
  const auto place = extras.begin() + static_cast<ptrdiff_t>(at);
  if (at == extras.size() || random.one_in(4)) {
    const uint8_t kind = random.pick<uint8_t>({0x81, 0x82, 0x10, 0x11, 0x00, 0x12, 0x13, 0x14, 0x15, 0x83, 0xFF});
    extras.insert(place, random.one_in(80) ? 63 : 1, {kind, std::vector<uint8_t>(random.below(40), kind)});
  } else if (random.one_in(3)) {
    extras.erase(place);
  } else if (random.one_in(2)) {
    std::swap(extras[at], extras[random.below(extras.size())]);
  } else {
    extras[at].kind = static_cast<uint8_t>(random.below(256));
  }
}

void mutate_chunks(Draft& draft, size_t most, Random& random) {
  auto& chunks = draft.chunks;
  const size_t at = random.below(chunks.size() + 1);
  const auto place = chunks.begin() + static_cast<ptrdiff_t>(at);
  if (at == chunks.size() || random.one_in(8)) {
    chunks.insert(place, random.one_in(8) ? 20 : 1, {});
  } else if (random.one_in(8)) {
    chunks.erase(place);
  } else if (random.one_in(4)) {
    std::swap(chunks[at], chunks[random.below(chunks.size())]);
  } else {
    mutate_bytes(chunks[at], most / 2);
  }
}

// What the header says of the parts.
void mutate_numbers(Draft& draft, Random& random) {
  switch (random.below(6)) {
    case 0:
      draft.square_log = static_cast<uint8_t>(edgy(4, 23, random));
      break;
    case 1:
      draft.splats = random.below(random.one_in(4) ? uint64_t{1} << 40 : 64);
      break;
    case 2:
      draft.splat_step = static_cast<uint8_t>(random.below(256));
      break;
    case 3:
      draft.spacing = static_cast<uint8_t>(edgy(0, 12, random));
      if (draft.lattice_square_log == 0) draft.lattice_square_log = draft.square_log;
      break;
    case 4:
      draft.lattice_square_log = static_cast<uint8_t>(edgy(4, 23, random));
      break;
    default:
      draft.lattice_step = static_cast<uint16_t>(random.below(random.one_in(4) ? 65536 : 8192));
  }
}

void mutate_draft(Draft& draft, size_t most, Random& random);

// The file of the alpha picture: none, one that fits or nearly, one that is cut or has one in turn.
void mutate_alpha(Draft& draft, size_t most, Random& random) {
  std::optional<Draft> alpha = draft.has_alpha() ? read_draft(draft.alpha) : std::nullopt;
  if (!draft.has_alpha() || random.one_in(8)) {
    alpha = draft;
    alpha->flags = random.one_in(8) ? draft.flags : smartsplat::kFlagGrey;
    alpha->metadata.clear();
    if (random.one_in(2)) std::fill(alpha->chunks.begin(), alpha->chunks.end(), std::vector<uint8_t>());
    draft.flags |= smartsplat::kFlagAlpha;
  } else if (random.one_in(8)) {
    draft.flags ^= smartsplat::kFlagAlpha;
    draft.alpha.clear();
    return;
  } else if (alpha && !random.one_in(3)) {
    mutate_draft(*alpha, most / 2, random);
  } else {
    mutate_bytes(draft.alpha, most / 2);
    if (random.one_in(2)) repair(draft.alpha);
    return;
  }
  draft.alpha = write_draft(*alpha);
}

// The bytes of one piece, or one of what stands before them.
void mutate_draft(Draft& draft, size_t most, Random& random) {
  switch (random.below(8)) {
    case 0:
      (random.one_in(4) ? draft.major : draft.minor) = static_cast<uint8_t>(random.below(256));
      break;
    case 1:
      draft.flags ^= uint64_t{1} << random.below(random.one_in(4) ? 40 : 5);
      break;
    case 2:
      mutate_size(draft, random);
      break;
    case 3:
      if (!draft.metadata.empty()) {
        mutate_bytes(draft.metadata[random.below(draft.metadata.size())].bytes, most / 2);
      }
      break;
    case 4:
      mutate_numbers(draft, random);
      break;
    case 5:
      mutate_chunks(draft, most, random);
      break;
    case 6:
      mutate_alpha(draft, most, random);
      break;
    default:
      mutate_metadata(draft, random);
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
