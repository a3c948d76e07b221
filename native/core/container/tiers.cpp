#include "container/tiers.h"

#include <algorithm>

namespace smartsplat {
namespace {

constexpr int kNoLimit = 62;

// Sides of squares, log2 px, and the pixels that a picture has at most for them. Small ones make views of a part cheap,
// and take bytes: each has models and checksums of its own.
struct Choice {
  int log;
  double pixels;
};
constexpr Choice kChoices[] = {{11, 48e6}, {10, 64e6}};
constexpr int kUsualLog = 9;
constexpr double kMostSquares = 1 << 16;  // of the finest tier

}  // namespace

Tiers::Tiers(int width, int height, int log, int most_log) : width_(width), height_(height), log_(log) {
  const int64_t side = std::max(width, height);
  while (squares(count_ - 1).log + 2 <= most_log && int64_t{1} << squares(count_ - 1).log < side) ++count_;
}

Tiers Tiers::of_splats(int width, int height, int square_log) { return {width, height, square_log, kGreatestSquareLog}; }

Tiers Tiers::of_lattice(int width, int height, int square_log, int spacing_log) {
  return {width, height, std::max(square_log, spacing_log + kLeastNodesLog), kNoLimit};
}

Squares Tiers::squares(int tier) const {
  const int log = log_ + 2 * tier;
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
  int log = kUsualLog;
  for (const Choice& choice : kChoices) {
    if (pixels <= choice.pixels) {
      log = choice.log;
      break;
    }
  }
  while (pixels > kMostSquares * static_cast<double>(uint64_t{1} << 2 * log)) ++log;
  return std::min(log, kGreatestSquareLog);
}

}  // namespace smartsplat
