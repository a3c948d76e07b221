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

// False if they are not valid, or what came of them cannot be coded.
bool mutate_integers(Draft& draft, Random& random) try {
  CodedSplats splats = read_splats(draft.splat_part(), draft.columns(), draft.rows(), Parallel{1});
  if (random.one_in(8)) splats.step_index = edgy(1, kSplatSteps - 2, random);
  if (splats.codes.empty() || random.one_in(4)) mutate_count(splats.codes, draft, random);
  for (size_t n = random.below(4); n > 0 && !splats.codes.empty(); --n) {
    mutate_splat(splats.codes[random.below(splats.codes.size())], draft, random);
  }
  if (draft.spacing == 0 && random.one_in(8)) draft.square_log = static_cast<uint8_t>(edgy(5, 8, random));
  const auto part = write_splats(splats, draft.columns(), draft.rows(), draft.square_log);
  const Draft before = draft;  // in which the lattice's chunks lie
  draft.put(view_of(part), before.lattice_part());
  return true;
} catch (const Error&) {
  return false;
}

void mutate(std::vector<uint8_t>& file, size_t most, Random& random) {
  std::optional<Draft> draft = read_draft(file);
  if (!draft || !draft->has_size() || draft->chunks.empty()) {
    mutate_bytes(file, most);
    repair(file);
    return;
  }
  if (random.one_in(8)) {
    mutate_size(*draft, random);
  } else if (random.one_in(2) || !mutate_integers(*draft, random)) {
    mutate_bytes(draft->chunks[random.below(draft->chunks.size())], most);
  }
  if (random.one_in(4)) {
    const Draft before = *draft;
    if (before.has_size()) draft->put(before.splat_part(), std::nullopt);
    draft->metadata.clear();
  }
  file = write_draft(*draft);
}

// What was decoded is coded into bytes that stand for the same.
void check_round_trip(const Input& input) {
  const std::optional<Draft> draft = read_draft(input.file);
  promise(draft.has_value());
  const int width = draft->columns(), height = draft->rows();
  CodedSplats splats = read_splats(draft->splat_part(), width, height, Parallel{1});
  const std::vector<SplatCode> codes = splats.codes;
  const auto part = write_splats(splats, width, height, draft->square_log);
  const CodedSplats again = read_splats(view_of(part), width, height, Parallel{1});
  promise(again.step_index == splats.step_index && again.codes.size() == codes.size());
  promise(codes.empty() || std::memcmp(again.codes.data(), splats.codes.data(), codes.size() * sizeof(SplatCode)) == 0);
}

}  // namespace

const Target kTarget = {mutate, 2, [](const Input& input) { exercise(input, check_round_trip); }};
