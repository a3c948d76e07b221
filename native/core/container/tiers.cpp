#include "container/tiers.h"

#include <algorithm>
#include <cmath>

namespace smartsplat {
namespace {

constexpr int kNoLimit = 62;
constexpr double kMostSquares = 1 << 16;  // of the finest tier

// Small squares make views of a part cheap, and take bytes: each has models and checksums of its own.
constexpr int kMediumLog = 10;
constexpr int kLeastLatticeLog = 8;
// A chunk of the lattice costs 16 bytes, a hundredth: its share of the index, its checksum, its end, models that have
// yet to learn.
constexpr uint64_t kLeastChunkBytes = 1600;
constexpr double kMedium = 16e6, kLarge = 64e6;  // pixels; the larger a picture the more it is seen in parts

}  // namespace

Tiers::Tiers(int width, int height, int log, int least, int most)
    : width_(width), height_(height), log_(log), least_(least) {
  const int64_t side = std::max(width, height);
  while (this->log(count_) <= most && int64_t{1} << this->log(count_ - 1) < side) ++count_;
}

Tiers Tiers::of_splats(int width, int height, int square_log) {
  return {width, height, square_log, square_log, kGreatestSquareLog};
}

Tiers Tiers::of_blocks(int width, int height, int square_log) {
  return {width, height, square_log, square_log, square_log - 1};
}

Tiers Tiers::of_lattice(int width, int height, int square_log, int spacing_log) {
  return {width, height, square_log, spacing_log + kLeastNodesLog, kNoLimit};
}

Squares Tiers::squares(int tier) const {
  const int log = this->log(tier);
  const auto along = [log](int side) { return ((static_cast<uint64_t>(side) - 1) >> log) + 1; };
  return {log, along(width_), along(height_)};
}

uint64_t Tiers::first(int tier) const {
  uint64_t before = 0;
  for (int coarser = count_ - 1; coarser > tier; --coarser) before += squares(coarser).count();
  return before;
}

uint64_t Tiers::chunks() const { return first(0) + squares(0).count(); }

Place Tiers::place(uint64_t chunk) const {
  int tier = count_ - 1;
  for (; chunk >= squares(tier).count(); --tier) chunk -= squares(tier).count();
  const uint64_t columns = squares(tier).columns;
  return {tier, static_cast<int>(chunk % columns), static_cast<int>(chunk / columns)};
}

uint64_t Tiers::chunk(const Place& place) const {
  return first(place.tier) + static_cast<uint64_t>(place.row) * squares(place.tier).columns +
         static_cast<uint64_t>(place.column);
}

int usual_square_log(int width, int height) {
  const double pixels = static_cast<double>(width) * height;
  int log = pixels < kMedium ? kMediumLog + 1 : pixels < kLarge ? kMediumLog : kMediumLog - 1;
  // Neither more squares than an index should have, nor many that are nearly empty, of a picture that is long and thin.
  const auto too_many = [&](double squares) {
    return squares > kMostSquares || squares > 4 * (pixels / std::exp2(2 * log) + 1);
  };
  while (log < kGreatestSquareLog &&
         too_many(static_cast<double>(Tiers::of_splats(width, height, log).squares(0).count()))) {
    ++log;
  }
  return log;
}

int usual_square_log(int width, int height, int spacing_log, uint64_t bytes) {
  int log = usual_square_log(width, height);
  if (log > kMediumLog) return log;
  log = kLeastLatticeLog;
  while (log < kGreatestSquareLog &&
         Tiers::of_lattice(width, height, log, spacing_log).chunks() > bytes / kLeastChunkBytes) {
    ++log;
  }
  return log;
}

}  // namespace smartsplat
