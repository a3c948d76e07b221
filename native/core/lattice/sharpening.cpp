#include "lattice/sharpening.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "lattice/solve.h"

namespace smartsplat {
namespace {

constexpr int kBands = kSharpeningReach + 1;

float tap(const SharpeningFilter& filter, int64_t away) {
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
  const int64_t sum = int64_t{node} + value;
  return tap(filter, int64_t{node} - value) - tap(filter, sum + 2) - tap(filter, 2 * int64_t{count} - sum);
}

void unsharpen(float* plane, int rows, int columns, int spacing, const Parallel& parallel) {
  const SharpeningFilter& filter = sharpening(spacing);
  solve_plane(plane, rows, columns, matrix(filter, rows), matrix(filter, columns), parallel);
}

}  // namespace smartsplat
