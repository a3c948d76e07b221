#include "lattice/sharpening.h"

#include <cstddef>
#include <cstdlib>
#include <vector>

#include "lattice/solve.h"

namespace smartsplat {
namespace {

constexpr int kBands = kSharpeningReach + 1;

float tap(const SharpeningFilter& filter, int away) {
  switch (std::abs(away)) {
    case 0:
      return filter.own;
    case 1:
      return filter.next;
    case 2:
      return filter.second;
    default:
      return 0;
  }
}

BandedCholesky matrix(const SharpeningFilter& filter, int count) {
  std::vector<double> upper(static_cast<size_t>(kBands) * static_cast<size_t>(count));
  for (int back = 0; back < kBands; ++back) {
    for (int i = back; i < count; ++i) {
      upper[static_cast<size_t>(kBands - 1 - back) * static_cast<size_t>(count) + static_cast<size_t>(i)] =
          count < 2 ? 1.0 : static_cast<double>(sharpening_share(filter, i - back, i, count));
    }
  }
  return {upper.data(), kBands, count};
}

}  // namespace

// Values go on with the opposite sign beyond a zero next to either end, as is right for nodes that end there.
float sharpening_share(const SharpeningFilter& filter, int node, int value, int count) {
  return tap(filter, node - value) - tap(filter, node + value + 2) - tap(filter, 2 * count - node - value);
}

void unsharpen(float* plane, int rows, int columns, int spacing, const Parallel& parallel) {
  const SharpeningFilter& filter = sharpening(spacing);
  solve_plane(plane, rows, columns, matrix(filter, rows), matrix(filter, columns), parallel);
}

}  // namespace smartsplat
