#include "lattice/low_band.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "format/format.h"
#include "lattice/lifting.h"

namespace smartsplat {
namespace {

constexpr double kLeastBlur = 0.07;  // px^2 of the view: that of a pixel is 1/12, at a quarter of the size 1/12.8

// What the steps of the inverse transform make of a one in a low band without details, at its place and the next ones.
constexpr std::array<float, kMostLowReach + 1> weights_of(const Lifting& lifting) {
  constexpr int kMiddle = 2 * kMostLowReach;
  std::array<double, 2 * kMiddle + 1> line{};
  line[kMiddle] = 1;
  for (int step = 2; step >= 0; --step) {
    const LiftingStep& of = lifting.steps[static_cast<size_t>(step)];
    for (size_t i = 3 + static_cast<size_t>(step % 2); i + 3 < line.size(); i += 2) {
      line[i] -= of.near * (line[i - 1] + line[i + 1]) + of.far * (line[i - 3] + line[i + 3]);
    }
  }
  std::array<float, kMostLowReach + 1> weights{};
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(line[kMiddle + i] / lifting.gain);
  return weights;
}

// Three of the four steps look for neighbours.
constexpr int three_steps(const Lifting& lifting) { return lifting.reach / 4 * 3; }
static_assert(three_steps(kLongLifting) == kMostLowReach && three_steps(kShortLifting) <= kMostLowReach);

}  // namespace

int low_level(int spacing, int levels, double most_zoom, double blur, double density) {
  int level = 0;
  while (blur >= kLeastBlur && level < levels && std::ldexp(density * spacing * most_zoom, level + 1) <= 1) ++level;
  return level;
}

int low_reach(int level) { return three_steps(lifting(level)); }

double whole_low_reach(int levels) {
  double reach = 0;
  for (int level = 1; level <= levels; ++level) reach += std::ldexp(low_reach(level), level - 1);
  return reach;
}

// Values beyond the ends are those within, mirrored at the first and the last node.
float low_share(int level, int node, int value, int count) {
  static constexpr auto kLong = weights_of(kLongLifting), kShort = weights_of(kShortLifting);
  const auto& weights = level <= kLongLevels ? kLong : kShort;
  const int reach = low_reach(level);
  if (node >= reach && node + reach < count) {  // no mirror within reach
    const int away = std::abs(2 * value - node);
    return away > reach ? 0 : weights[static_cast<size_t>(away)];
  }
  float share = 0;
  for (int place = node - reach; place <= node + reach; ++place) {
    if (mirrored(place, count) == 2 * value) share += weights[static_cast<size_t>(std::abs(place - node))];
  }
  return share;
}

}  // namespace smartsplat
