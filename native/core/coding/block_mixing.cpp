#include "coding/block_mixing.h"

namespace smartsplat {
namespace {

constexpr int32_t kGreatestOdds = 2047;

// At each half of a logarithm, from -8 to 8.
constexpr std::array<int16_t, 33> kSquashed{1,    2,    3,    6,    10,   16,   27,   45,   73,   120,  194,
                                            310,  488,  747,  1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785,
                                            3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094};

}  // namespace

int32_t squash(int32_t odds) {
  const int32_t place = std::clamp(odds, -kGreatestOdds, kGreatestOdds) + 2048, after = place & 127;
  const auto at = static_cast<size_t>(place >> 7);
  return (kSquashed[at] * (128 - after) + kSquashed[at + 1] * after + 64) >> 7;
}

MixedModel::MixedModel() : opinions_(zeros<Opinion>(size_t{1} << kOpinionLog)) {
  int16_t odds = -kGreatestOdds;
  for (int32_t probability = 0; probability < 4096; ++probability) {
    while (odds < kGreatestOdds && squash(odds) < probability) ++odds;
    odds_[static_cast<size_t>(probability)] = odds;
  }
}

}  // namespace smartsplat
