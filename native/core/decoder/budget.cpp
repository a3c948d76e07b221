#include "decoder/budget.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>

#include "common/error.h"

namespace smartsplat {
namespace {

// A linear function of what a caller can see: the pixels of the view (or bytes), and the splats of the file.
struct Limit {
  double base, for_each, for_each_splat;

  uint64_t at(double count, double splats, double work) const {
    constexpr double kMost = 1ULL << 62;
    return static_cast<uint64_t>(std::min(kMost, work * (base + for_each * count + for_each_splat * splats)));
  }
};

// Eight bytes each. Pictures have 10 to 60 splats on a tile of 4096 pixels.
constexpr Limit kPairs{4e6, 0.25, 8};
// About 0.3 ns each. A pixel sees 5 to 50 splats; of an abstract picture of a few hundred splats perhaps all.
constexpr Limit kSplatPixels{1e9, 1000, 1000};
// Twelve bytes each, and at most as many again for coefficients. The encoder spaces nodes by 1 px from 1 byte for 40 px
// on, for 200 px up to 12.5 MP, and always up to 2^15 px; else by 2 px up to 64 MP, and by 4 px beyond.
constexpr Limit kNodes{33e6, 40, 0};
// Of whole squares, and those above them: 2^22 px each where a picture has several.
constexpr Limit kPartNodes{33e6, 4, 0};
// Two bytes each. The encoder has none in pictures of more than 2^25 px, which may be of one colour.
constexpr Limit kBlockPixels{34e6, 64, 0};
// Along a side, a hundred bytes each.
constexpr double kNodesAlong = 1 << 22;

void require_at_most(uint64_t coefficients, uint64_t most) {
  if (coefficients <= most) return;
  throw Error(ErrorKind::kLimit, "this part of the file's lattice has " + std::to_string(coefficients) +
                                     " coefficients, far more than it should; allow more with max_work");
}

}  // namespace

Ledger ledger_for(const View& view, size_t splats, double work) {
  const double pixels = static_cast<double>(view.width) * view.height, count = static_cast<double>(splats);
  return {kPairs.at(pixels, count, work), kSplatPixels.at(pixels, count, work)};
}

uint64_t most_nodes(uint64_t bytes, double work) { return kNodes.at(static_cast<double>(bytes), 0, work); }

void check_lattice(const LatticeHead& head, uint64_t bytes, double work) {
  const LatticeSize& size = head.size();
  const uint64_t nodes = static_cast<uint64_t>(size.rows) * static_cast<uint64_t>(size.columns);
  if (nodes > most_nodes(bytes, work)) {
    throw Error(ErrorKind::kLimit, "the file's lattice has " + std::to_string(size.columns) + " x " +
                                       std::to_string(size.rows) + " nodes, far more than its " +
                                       std::to_string(bytes) + " bytes should; allow more with max_work");
  }
  if (nodes > SIZE_MAX / (3 * sizeof(float))) throw std::bad_alloc();  // their colours, by addresses of 32 bits
}

void check_lattice_part(uint64_t coefficients, double pixels, double work) {
  require_at_most(coefficients, kPartNodes.at(pixels, 0, work));
  if (coefficients > PTRDIFF_MAX / (3 * sizeof(float))) throw std::bad_alloc();  // of three planes, likewise
}

void check_lattice_side(double nodes, double work) {
  if (nodes <= work * kNodesAlong) return;
  throw Error(ErrorKind::kLimit, "this part of the file's lattice is too long; allow more with max_work");
}

void check_low_band(uint64_t coefficients, uint64_t bytes, double work) {
  require_at_most(coefficients, most_nodes(bytes, work));
}

void check_blocks(double pixels, uint64_t bytes, double work) {
  if (pixels <= static_cast<double>(kBlockPixels.at(static_cast<double>(bytes), 0, work))) return;
  throw Error(ErrorKind::kLimit, "the file's blocks have far more pixels than their " + std::to_string(bytes) +
                                     " bytes should; allow more with max_work");
}

}  // namespace smartsplat
