// Streams of lattices in containers that are right: changed as bytes, and as the coefficients that they stand for.
#include <algorithm>
#include <bit>
#include <cstdlib>

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

SplatPart<std::vector<uint8_t>> owned(const SplatBytes& part) {
  SplatPart<std::vector<uint8_t>> copy{part.count, part.step_index, part.square_log, {}};
  for (const Bytes& chunk : part.chunks) copy.chunks.emplace_back(chunk.begin(), chunk.end());
  return copy;
}

Coefficients decoded(const LatticeBytes& part, const Draft& draft) {
  Coefficients lattice{LatticeHead(part.code, draft.columns(), draft.rows(), draft.grey(), part.square_log), {}};
  if (lattice.head.size().plane() > kMostNodes) throw Error(ErrorKind::kLimit, "too many nodes to be coded again");
  lattice.values.resize(lattice.head.size().count());
  read_lattice(source_of(part.chunks), lattice.head, lattice.values.data(), Parallel{1});
  return lattice;
}

LatticePart<std::vector<uint8_t>> coded(const Coefficients& lattice, const Draft& draft) {
  LatticeHead head = lattice.head;
  head.step_index = kLatticeUnitStep;
  const std::vector<float> floats(lattice.values.begin(), lattice.values.end());
  LatticePart<std::vector<uint8_t>> part =
      write_lattice(floats.data(), head, 0, nullptr, draft.lattice_square_log, Parallel{1});
  part.code.step_index = lattice.head.step_index;
  return part;
}

void mutate_values(std::vector<int32_t>& values, Random& random) {
  const size_t at = random.below(values.size());
  const size_t count = std::min(size_t{1} << random.below(12), values.size() - at);
  const int most = 1 << random.between(0, 21);
  const bool sparse = random.one_in(2), same = random.one_in(4);
  const int value = edgy(-most, most, random);
  for (size_t i = at; i < at + count; ++i) {
    if (!sparse || random.one_in(8)) values[i] = same ? value : random.between(-most, most);
  }
}

// Other nodes under the same picture, of which the coefficients are as they stood, then zero.
void mutate_spacing(Coefficients& lattice, const Draft& draft, Random& random) {
  const LatticeCode code{random.between(0, kGreatestSpacingLog), lattice.head.step_index};
  lattice.head = LatticeHead(code, draft.columns(), draft.rows(), draft.grey(), draft.lattice_square_log);
  if (lattice.head.size().plane() > kMostNodes) throw Error(ErrorKind::kLimit, "too many nodes to be coded again");
  lattice.values.resize(lattice.head.size().count());
}

// False if it is not one, or what came of it cannot be coded.
bool mutate_integers(Draft& draft, Random& random) try {
  Coefficients lattice = decoded(*draft.lattice_part(), draft);
  const SplatPart<std::vector<uint8_t>> splats = owned(draft.splat_part());
  if (random.one_in(8)) lattice.head.step_index = std::clamp(edgy(0, kLatticeSteps - 1, random), 0, kLatticeSteps - 1);
  if (random.one_in(8)) mutate_spacing(lattice, draft, random);
  if (random.one_in(8)) draft.lattice_square_log = static_cast<uint8_t>(edgy(5, 8, random));
  for (size_t n = random.below(4); n > 0; --n) mutate_values(lattice.values, random);
  const LatticeHead& head = lattice.head;
  lattice.head = LatticeHead({std::countr_zero(static_cast<unsigned>(head.shape.spacing)), head.step_index},
                             draft.columns(), draft.rows(), draft.grey(), draft.lattice_square_log);
  const LatticePart<std::vector<uint8_t>> part = coded(lattice, draft);
  draft.put(view_of(splats), view_of(part));
  return true;
} catch (const Error&) {
  return false;
}

// No splats, and a lattice that is all zeros.
void make_room(Draft& draft) {
  draft.spacing = kGreatestSpacingLog + 1;
  draft.lattice_step = 0;
  draft.lattice_square_log = kLeastSquareLog;
  draft.splats = 0;
  draft.chunks.clear();
  draft.put(draft.splat_part(), draft.lattice_part());
}

void mutate(std::vector<uint8_t>& file, size_t most, Random& random) {
  std::optional<Draft> draft = read_draft(file);
  if (!draft || !draft->has_size()) {
    mutate_bytes(file, most);
    repair(file);
    return;
  }
  if (draft->spacing == 0 || draft->chunks.empty() || random.one_in(64)) make_room(*draft);
  if (random.one_in(8)) {
    mutate_size(*draft, random);
  } else if (random.one_in(2) || !mutate_integers(*draft, random)) {
    mutate_bytes(draft->chunks[random.below(draft->chunks.size())], most);
  }
  file = write_draft(*draft);
}

// Whether a band holds the same in both, or a coefficient at the end of the encoder's range, which becomes one before
// it, and then the quantisers of those after it are others.
bool band_came_back(const Coefficients& lattice, const Coefficients& again, const Area& band) {
  const LatticeSize size = lattice.head.size();
  bool same = true, free = true;
  for (size_t plane = 0; plane < static_cast<size_t>(size.planes); ++plane) {
    for (int y = band.top; y < band.bottom; ++y) {
      for (int x = band.left; x < band.right; ++x) {
        const size_t at =
            plane * size.plane() + static_cast<size_t>(y) * static_cast<size_t>(size.columns) + static_cast<size_t>(x);
        same = same && again.values[at] == lattice.values[at];
        free = free && std::abs(lattice.values[at]) <= kGreatestFreeCoefficient;
        promise(std::abs(again.values[at]) <= kGreatestCoefficient);
      }
    }
  }
  return same || !free;
}

// What was decoded is coded into bytes that stand for the same, within the encoder's range.
void check_round_trip(const Input& input) try {
  const std::optional<Draft> draft = read_draft(input.file);
  promise(draft.has_value());
  const std::optional<LatticeBytes> part = draft->lattice_part();
  if (!part) return;
  const Coefficients lattice = decoded(*part, *draft);
  const LatticePart<std::vector<uint8_t>> written = coded(lattice, *draft);
  const Coefficients again = decoded(view_of(written), *draft);
  promise(again.head.step_index == lattice.head.step_index && again.values.size() == lattice.values.size());
  const LatticeSize size = lattice.head.size();
  const int levels = lattice.head.chunks.levels();
  promise(band_came_back(lattice, again, lowest_area(size, levels)));
  for (int level = 1; level <= levels; ++level) {
    for (const Orientation orientation : {kHL, kLH, kHH}) {
      promise(band_came_back(lattice, again, band_area(size, level, orientation)));
    }
  }
} catch (const Error& error) {
  promise(error.kind() == ErrorKind::kLimit);
}

}  // namespace

const Target kTarget = {mutate, 2, [](const Input& input) { exercise(input, check_round_trip); }};
