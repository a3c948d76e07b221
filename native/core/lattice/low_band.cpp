#include "lattice/low_band.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "format/format.h"

namespace smartsplat {
namespace {

constexpr double kLeastBlur = 0.07;  // px^2 of the view: that of a pixel is 1/12, at a quarter of the size 1/12.8

// What the four steps of the inverse transform make of a one in a low band without details.
constexpr std::array<float, kLowReach + 1> kWeights = [] {
  const double first = -kLifting[0], second = -kLifting[1], third = -kLifting[2];
  const double odd = third, even = 1 + 2 * second * odd, next = second * odd;
  const double weights[] = {even, odd + first * (even + next), next, first * next};
  std::array<float, kLowReach + 1> scaled{};
  for (size_t i = 0; i < scaled.size(); ++i) scaled[i] = static_cast<float>(weights[i] / kLiftingGain);
  return scaled;
}();

}  // namespace

int low_level(int spacing, int levels, double most_zoom, double blur, double density) {
  int level = 0;
  while (blur >= kLeastBlur && level < levels && std::ldexp(density * spacing * most_zoom, level + 1) <= 1) ++level;
  return level;
}

// Values beyond the ends are those within, mirrored at the first and the last node.
float low_share(int node, int value, int count) {
  float share = 0;
  for (int away = -kLowReach; away <= kLowReach; ++away) {
    int place = node + away;
    while (place < 0 || place >= count) place = place < 0 ? -place : 2 * (count - 1) - place;
    if (place == 2 * value && (node + away) % 2 == 0) share += kWeights[static_cast<size_t>(std::abs(away))];
  }
  return share;
}

}  // namespace smartsplat
