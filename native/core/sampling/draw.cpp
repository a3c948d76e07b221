#include "sampling/draw.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sampling/random.h"

namespace smartsplat::sampling {
namespace {

struct Candidate {
  bool operator<(const Candidate& other) const { return key < other.key || (key == other.key && pixel < other.pixel); }

  double key;
  size_t pixel;
};

// Keeps the `count` first candidates, in no order, and returns the greatest of their keys.
double cut(std::vector<Candidate>& candidates, size_t count) {
  std::nth_element(candidates.begin(), candidates.begin() + (count - 1), candidates.end());
  candidates.resize(count);
  return candidates[count - 1].key;
}

// Draws `count` of the pixels of positive weight, one after the other without replacement, each time in proportion
// to the weights of those left: the first arrivals of a race in which pixel i arrives after an exponentially
// distributed time of rate weights[i] (Efraimidis and Spirakis 2006). There must be as many such pixels.
std::vector<Candidate> race(const float* weights, size_t pixels, size_t count, uint64_t stream) {
  std::vector<Candidate> candidates;
  candidates.reserve(2 * count);
  double last = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < pixels; ++i) {
    const double late = unit_interval(random_bits(stream, i));
    // late <= -log(1 - late), the time at rate 1: this passes over nearly all pixels, and those of weight <= 0.
    if (!(late < weights[i] * last)) continue;
    const double key = -std::log1p(-late) / weights[i];
    if (!(key < last)) continue;
    candidates.push_back({key, i});
    if (candidates.size() == 2 * count) last = cut(candidates, count);
  }
  if (candidates.size() > count) cut(candidates, count);
  return candidates;
}

// Makes the weights of pixels negative that an overlapping tile of an earlier group has taken, and returns how many
// pixels are left.
size_t withhold_taken(const Tiling& tiling, size_t index, const std::vector<size_t>& starts, const float* centres,
                      float* weights) {
  const Tile tile = tiling.tile(index);
  const int row = static_cast<int>(index / tiling.columns), column = static_cast<int>(index % tiling.columns);
  size_t left = tile.size();
  for (int r = std::max(row - 1, 0); r <= std::min(row + 1, tiling.rows - 1); ++r) {
    for (int c = std::max(column - 1, 0); c <= std::min(column + 1, tiling.columns - 1); ++c) {
      const size_t other = static_cast<size_t>(r) * tiling.columns + c;
      if (tiling.group(other) >= tiling.group(index)) continue;
      for (size_t i = starts[other]; i < starts[other + 1]; ++i) {
        const int x = static_cast<int>(centres[2 * i]), y = static_cast<int>(centres[2 * i + 1]);
        if (!tile.contains(x, y)) continue;
        float& weight = weights[static_cast<size_t>(y - tile.y) * tile.width + (x - tile.x)];
        left -= weight > 0;
        weight = -std::abs(weight);
      }
    }
  }
  return left;
}

}  // namespace

void draw_points(const Picture& picture, const Tiling& tiling, const int64_t* counts, float lambda_m, uint64_t seed,
                 float* centres, float* weights, const Parallel& parallel) {
  std::vector<size_t> starts(tiling.size() + 1, 0);
  for (size_t i = 0; i < tiling.size(); ++i) starts[i + 1] = starts[i] + static_cast<size_t>(counts[i]);
  for_tiles(tiling, parallel, [&](size_t index) {
    const Tile tile = tiling.tile(index);
    TileWeights room(tile.size());
    float* tile_weights = room.compute(picture, tile, lambda_m);
    size_t left = withhold_taken(tiling, index, starts, centres, tile_weights);
    size_t at = starts[index];
    // One round, but for pictures with fewer pixels than points: then all pixels again in every round.
    for (uint64_t round = 0; at < starts[index + 1]; ++round) {
      const size_t count = std::min(left, starts[index + 1] - at);
      const uint64_t stream = substream(substream(seed, index), round);
      std::vector<Candidate> drawn;
      if (count > 0) drawn = race(tile_weights, tile.size(), count, stream);
      std::sort(drawn.begin(), drawn.end(), [](const auto& a, const auto& b) { return a.pixel < b.pixel; });
      for (const Candidate& candidate : drawn) {
        centres[2 * at] = static_cast<float>(tile.x + static_cast<int>(candidate.pixel % tile.width)) + 0.5f;
        centres[2 * at + 1] = static_cast<float>(tile.y + static_cast<int>(candidate.pixel / tile.width)) + 0.5f;
        weights[at++] = tile_weights[candidate.pixel];
      }
      for (size_t i = 0; at < starts[index + 1] && i < tile.size(); ++i) tile_weights[i] = std::abs(tile_weights[i]);
      left = tile.size();
    }
  });
}

}  // namespace smartsplat::sampling
