#include "lattice/pyramid.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace smartsplat {
namespace {

// What one step adds to the variance of what it filters, in squared spacings of its source.
constexpr double kAdded = 2;

// Half of the filter, from the middle on; its sum is 1/2. Least squares, over waves of all lengths weighted as those of
// pictures are, of what is seen by pixels of 8 to 15 nodes: how far it is off, and the waves that halving takes it for.
constexpr int kHalf = 6;
constexpr float kFilter[kHalf] = {0.262253089f, 0.164151756f, 0.059928860f, 0.011316165f, 0.001823470f, 0.000526660f};

constexpr double kLeastNodes = 3.9;  // 4, but for the rounding of sides
constexpr double kLeastBlur = 0.08;  // px^2 of the view: that of a pixel is 1/12
constexpr int kLeastSide = 16;       // nodes along the longer side of the lattice that are not halved any more

static_assert(kPyramidMargin >= kHalf, "a level must have all nodes that its source reaches");

// A row of a level, from a row of twice as many nodes that is as long as `before` says, with zeros around.
void halve_row(const float* source, int count, int before, float* out, int out_count) {
  std::vector<float> padded(static_cast<size_t>(2 * out_count + 2 * kHalf), 0.0f);
  // Node j of the result lies between the nodes 2 j and 2 j + 1 of the picture.
  const int shift = 2 * kPyramidMargin - before + kHalf - 1;
  std::copy_n(source, std::min<size_t>(static_cast<size_t>(count), padded.size() - static_cast<size_t>(shift)),
              padded.data() + shift);
  for (int j = 0; j < out_count; ++j) {
    const float* middle = padded.data() + 2 * j + kHalf - 1;
    float total = 0;
    for (int k = 0; k < kHalf; ++k) total += kFilter[k] * (middle[-k] + middle[k + 1]);
    out[j] = total;
  }
}

// Rows [middle - kHalf + 1, middle + kHalf] of a plane, weighted.
void halve_column(const float* plane, int rows, int columns, int middle, float* out) {
  std::fill_n(out, columns, 0.0f);
  for (int k = 1 - kHalf; k <= kHalf; ++k) {
    if (middle + k < 0 || middle + k >= rows) continue;
    const float weight = kFilter[k > 0 ? k - 1 : -k];
    const float* row = plane + static_cast<size_t>(middle + k) * static_cast<size_t>(columns);
    for (int x = 0; x < columns; ++x) out[x] += weight * row[x];
  }
}

Buffer<float> halved(const LatticeValues& source, const LatticeShape& shape, const Parallel& parallel) {
  Buffer<float> values(3 * shape.nodes());
  const LatticeShape& from = source.shape;
  const size_t rows = static_cast<size_t>(shape.rows()), columns = static_cast<size_t>(shape.columns());
  parallel.for_each(3 * rows, [&](size_t index) {
    std::vector<float> row(static_cast<size_t>(from.columns()));
    const int middle = 2 * (static_cast<int>(index % rows) - shape.before()) + from.before();
    halve_column(source.values + index / rows * from.nodes(), from.rows(), from.columns(), middle, row.data());
    halve_row(row.data(), from.columns(), from.before(), values.data() + index * columns, shape.columns());
  });
  return values;
}

}  // namespace

double pyramid_variance(int level) { return kAdded * (std::ldexp(1.0, 2 * level) - 1) / 3; }

LatticeValues LatticePyramid::for_zoom(double most_zoom, double blur, const Parallel& parallel) const {
  LatticeShape shape = finest_.shape;
  if (shape.spacing <= 0 || blur < kLeastBlur) return finest_;
  const auto may_halve = [&] {
    LatticeShape next = shape;
    ++next.level;
    return next.level <= kMostLevels && std::max(shape.columns(), shape.rows()) > kLeastSide &&
           std::ldexp(kLeastNodes * shape.spacing * most_zoom, next.level) <= 1;
  };
  while (may_halve()) ++shape.level;
  return level(shape.level, {parallel.threads, nullptr});
}

// Not called off on the way: what polls for that may ask for a level on this thread.
LatticeValues LatticePyramid::level(int number, const Parallel& parallel) const {
  if (number == 0) return finest_;
  const size_t at = static_cast<size_t>(number - 1);
  LatticeShape shape = finest_.shape;
  shape.level = number;
  std::call_once(made_[at], [&] { levels_[at] = halved(level(number - 1, parallel), shape, parallel); });
  return {shape, levels_[at].data()};
}

}  // namespace smartsplat
