#include "metrics/error.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace smartsplat {
namespace {

constexpr size_t kRun = 32768;  // 32768 * 255^2 < 2^31

uint32_t run_error(const uint8_t* a, ptrdiff_t a_step, const uint8_t* b, ptrdiff_t b_step, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const int difference = a[static_cast<ptrdiff_t>(i) * a_step] - b[static_cast<ptrdiff_t>(i) * b_step];
    sum += static_cast<uint32_t>(difference * difference);
  }
  return sum;
}

uint64_t row_error(const Plane<uint8_t>& a, const Plane<uint8_t>& b, size_t y) {
  uint64_t sum = 0;
  for (size_t x = 0; x < a.width; x += kRun) {
    sum += run_error(a.at(y, x), a.column, b.at(y, x), b.column, std::min(kRun, a.width - x));
  }
  return sum;
}

}  // namespace

uint64_t squared_error(const Plane<uint8_t>& a, const Plane<uint8_t>& b, const Parallel& parallel) {
  std::vector<uint64_t> rows(a.height);
  parallel.for_each(a.height, [&](size_t y) { rows[y] = row_error(a, b, y); });
  return std::accumulate(rows.begin(), rows.end(), uint64_t{0});
}

}  // namespace smartsplat
