// Streams of lattices in containers that are right: changed as bytes, and as the coefficients that they stand for.
#include <algorithm>
#include <bit>

#include "coding/sections.h"
#include "fuzz/exercise.h"
#include "fuzz/mutations.h"
#include "fuzz/target.h"

using namespace smartsplat;

namespace {

constexpr size_t kMostNodes = 1 << 14;  // of a lattice that is coded again

struct Coefficients {
  LatticeHead head;
  std::vector<int32_t> values;
};

Coefficients decoded(Bytes section, const Draft& draft) {
  Coefficients lattice{read_lattice_head(section, draft.columns(), draft.rows(), draft.grey()), {}};
  if (lattice.head.size.plane() > kMostNodes) throw Error(ErrorKind::kLimit, "too many nodes to be coded again");
  lattice.values.resize(lattice.head.size.count());
  read_lattice(section, lattice.head, lattice.values.data(), Parallel{1});
  return lattice;
}

// Those beyond what an encoder writes become the greatest that it does.
std::vector<uint8_t> coded(const Coefficients& lattice) {
  const LatticeHead& head = lattice.head;
  const std::vector<float> floats(lattice.values.begin(), lattice.values.end());
  std::vector<int32_t> quantised(floats.size());
  std::vector<uint8_t> section =
      write_lattice(floats.data(), head.shape, head.size.planes, kLatticeUnitStep, 0, quantised.data(), Parallel{1});
  for (const int byte : {0, 1})
    section[1 + static_cast<size_t>(byte)] = static_cast<uint8_t>(head.step_index >> 8 * byte);
  return section;
}

void mutate_values(std::vector<int32_t>& values, Random& random) {
  const size_t at = random.below(values.size());
  const size_t count = std::min(size_t{1} << random.below(12), values.size() - at);
  const int most = 1 << random.between(0, 19);
  const bool sparse = random.one_in(2), same = random.one_in(4);
  const int value = edgy(-most, most, random);
  for (size_t i = at; i < at + count; ++i) {
    if (!sparse || random.one_in(8)) values[i] = same ? value : random.between(-most, most);
  }
}

// Other nodes under the same picture, of which the coefficients are as they stood, then zero.
void mutate_spacing(Coefficients& lattice, const Draft& draft, Random& random) {
  LatticeHead& head = lattice.head;
  head.shape.spacing = 1 << random.between(0, kGreatestSpacingLog);
  head.size = {draft.grey() ? 1 : 3, head.shape.rows(), head.shape.columns()};
  if (head.size.plane() > kMostNodes) throw Error(ErrorKind::kLimit, "too many nodes to be coded again");
  lattice.values.resize(head.size.count());
}

// False if the section is not one, or what came of it cannot be coded.
bool mutate_integers(std::vector<uint8_t>& section, const Draft& draft, Random& random) try {
  Coefficients lattice = decoded(section, draft);
  if (random.one_in(8)) lattice.head.step_index = std::clamp(edgy(0, kLatticeSteps - 1, random), 0, 0xFFFF);
  if (random.one_in(8)) mutate_spacing(lattice, draft, random);
  for (size_t n = random.below(4); n > 0; --n) mutate_values(lattice.values, random);
  section = coded(lattice);
  return true;
} catch (const Error&) {
  return false;
}

// An empty section of splats, and one of a lattice that is all zeros.
void make_room(Draft& draft) {
  const LatticeHead head = {{draft.columns(), draft.rows(), 1 << kGreatestSpacingLog}, 0, {}, 0};
  const LatticeSize size{draft.grey() ? 1 : 3, head.shape.rows(), head.shape.columns()};
  draft.parts = {{kSplatSection, {0, 0}}, {kLatticeSection, std::vector<uint8_t>(4 + size.plane() / kNodesPerByte)}};
  draft.parts[1].bytes[0] = kGreatestSpacingLog;
}

void mutate(std::vector<uint8_t>& file, size_t most, Random& random) {
  std::optional<Draft> draft = read_draft(file);
  if (!draft || !draft->has_size()) {
    mutate_bytes(file, most);
    repair(file);
    return;
  }
  if (!draft->find(kLatticeSection) || random.one_in(64)) make_room(*draft);
  std::vector<uint8_t>& section = draft->find(kLatticeSection)->bytes;
  if (random.one_in(8)) {
    mutate_size(*draft, random);
  } else if (random.one_in(2) || !mutate_integers(section, *draft, random)) {
    mutate_bytes(section, most);
  }
  if (random.one_in(4)) {
    if (Part* splats = draft->find(kSplatSection)) splats->bytes = {0, 0};
  }
  file = write_draft(*draft);
}

// What was decoded is coded into bytes that stand for the same, within the encoder's range.
void check_round_trip(const Input& input) try {
  const std::optional<Draft> draft = read_draft(input.file);
  promise(draft.has_value());
  for (const Part& part : draft->parts) {
    if (part.kind != kLatticeSection) continue;
    const Coefficients lattice = decoded(part.bytes, *draft), again = decoded(coded(lattice), *draft);
    promise(again.head.step_index == lattice.head.step_index && again.values.size() == lattice.values.size());
    for (size_t i = 0; i < lattice.values.size(); ++i) {
      promise(again.values[i] == std::clamp(lattice.values[i], -kGreatestCoefficient, kGreatestCoefficient));
    }
  }
} catch (const Error& error) {
  promise(error.kind() == ErrorKind::kLimit);
}

}  // namespace

const Target kTarget = {mutate, 2, [](const Input& input) { exercise(input, check_round_trip); }};
