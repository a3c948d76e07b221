#include "metrics/error.h"

#include <algorithm>
#include <numeric>
#include <type_traits>
#include <vector>

namespace smartsplat {
namespace {

constexpr size_t kRun = 32768;  // 32768 * 255^2 < 2^31

// The type that sums of a run of squares fit.
template <class Sample>
using SumOf = std::conditional_t<sizeof(Sample) == 1, uint32_t, uint64_t>;

template <class Sample>
SumOf<Sample> run_error(const Sample* a, ptrdiff_t a_step, const Sample* b, ptrdiff_t b_step, size_t count) {
  SumOf<Sample> sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const int difference = a[static_cast<ptrdiff_t>(i) * a_step] - b[static_cast<ptrdiff_t>(i) * b_step];
    const SumOf<Sample> magnitude = static_cast<SumOf<Sample>>(difference < 0 ? -difference : difference);
    sum += magnitude * magnitude;
  }
  return sum;
}

template <class Sample>
uint64_t row_error(const Plane<Sample>& a, const Plane<Sample>& b, size_t y) {
  uint64_t sum = 0;
  for (size_t x = 0; x < a.width; x += kRun) {
    sum += run_error(a.at(y, x), a.column, b.at(y, x), b.column, std::min(kRun, a.width - x));
  }
  return sum;
}

}  // namespace

template <class Sample>
uint64_t squared_error(const Plane<Sample>& a, const Plane<Sample>& b, const Parallel& parallel) {
  std::vector<uint64_t> rows(a.height);
  parallel.for_each(a.height, [&](size_t y) { rows[y] = row_error(a, b, y); });
  return std::accumulate(rows.begin(), rows.end(), uint64_t{0});
}

template uint64_t squared_error(const Plane<uint8_t>&, const Plane<uint8_t>&, const Parallel&);
template uint64_t squared_error(const Plane<uint16_t>&, const Plane<uint16_t>&, const Parallel&);

}  // namespace smartsplat
