// Streams of splats in containers that are right: changed as bytes, and as the integers that they stand for.
#include <algorithm>
#include <cstring>

#include "coding/sections.h"
#include "fuzz/exercise.h"
#include "fuzz/mutations.h"
#include "fuzz/target.h"

using namespace smartsplat;

namespace {

SplatCode random_splat(const Draft& draft, Random& random) {
  SplatCode s{};
  s.x = random.between(0, draft.columns() << kCentreLog);
  s.y = random.between(0, draft.rows() << kCentreLog);
  s.energy = random.between(0, kGreatestEnergy);
  s.size = random.between(0, 8 << s.energy);
  s.colour[0] = random.between(-64, 64);
  return s;
}

// One of its integers; those that follow from it are brought into their range.
void mutate_splat(SplatCode& s, const Draft& draft, Random& random) {
  const int least_size = kLeastSize * (1 << s.energy), most_size = kGreatestSize * (1 << s.energy);
  switch (random.below(7)) {
    case 0:
      s = random_splat(draft, random);
      break;
    case 1:
      s.x = edgy(0, draft.columns() << kCentreLog, random);
      break;
    case 2:
      s.y = edgy(0, draft.rows() << kCentreLog, random);
      break;
    case 3:
      s.size = edgy(least_size, most_size, random);
      break;
    case 4:
      s.ratio = std::max(0, edgy(0, std::max(1, (kGreatestRatio << s.energy) >> 1), random));
      break;
    case 5:
      s.turn = random.between(0, (1 << kMostTurnBits) - 1);
      break;
    default:
      s.colour[random.below(3)] =
          random.one_in(2) ? random.between(-9, 9) : edgy(-kGreatestColour, kGreatestColour, random);
  }
  s.turn &= (1 << turn_bits(s)) - 1;
}

// Fewer of them, or more: new ones, or many of the same.
void mutate_count(std::vector<SplatCode>& codes, const Draft& draft, Random& random) {
  const auto place = codes.begin() + static_cast<ptrdiff_t>(random.below(codes.size() + 1));
  if (random.one_in(3)) {
    codes.erase(place, codes.end());
  } else {
    const bool same = !codes.empty() && random.one_in(2);
    const SplatCode s = same ? codes[random.below(codes.size())] : random_splat(draft, random);
    codes.insert(place, size_t{1} << random.below(8), s);
  }
}

// False if the section is not one, or what came of it cannot be coded.
bool mutate_integers(std::vector<uint8_t>& section, const Draft& draft, Random& random) try {
  CodedSplats splats = read_splats(section, draft.columns(), draft.rows());
  if (random.one_in(8)) splats.step_index = edgy(1, kSplatSteps - 2, random);
  if (splats.codes.empty() || random.one_in(4)) mutate_count(splats.codes, draft, random);
  for (size_t n = random.below(4); n > 0 && !splats.codes.empty(); --n) {
    mutate_splat(splats.codes[random.below(splats.codes.size())], draft, random);
  }
  section = write_splats(splats, draft.columns(), draft.rows());
  return true;
} catch (const Error&) {
  return false;
}

void mutate(std::vector<uint8_t>& file, size_t most, Random& random) {
  std::optional<Draft> draft = read_draft(file);
  Part* const splats = draft && draft->has_size() ? draft->find(kSplatSection) : nullptr;
  if (!splats) {
    mutate_bytes(file, most);
    repair(file);
    return;
  }
  if (random.one_in(8)) {
    mutate_size(*draft, random);
  } else if (random.one_in(2) || !mutate_integers(splats->bytes, *draft, random)) {
    mutate_bytes(splats->bytes, most);
  }
  if (random.one_in(4)) std::erase_if(draft->parts, [](const Part& part) { return part.kind != kSplatSection; });
  file = write_draft(*draft);
}

// What was decoded is coded into bytes that stand for the same.
void check_round_trip(const Input& input) {
  const std::optional<Draft> draft = read_draft(input.file);
  promise(draft.has_value());
  const int width = static_cast<int>(draft->width), height = static_cast<int>(draft->height);
  for (const Part& part : draft->parts) {
    if (part.kind != kSplatSection) continue;
    CodedSplats splats = read_splats(part.bytes, width, height);
    std::vector<SplatCode> codes = splats.codes;
    const CodedSplats again = read_splats(write_splats(splats, width, height), width, height);
    promise(again.step_index == splats.step_index && again.codes.size() == codes.size());
    promise(codes.empty() || std::memcmp(again.codes.data(), codes.data(), codes.size() * sizeof(SplatCode)) == 0);
  }
}

}  // namespace

const Target kTarget = {mutate, 2, [](const Input& input) { exercise(input, check_round_trip); }};
