#include "pictures/png_filter.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace smartsplat {
namespace {

constexpr size_t kRowsAtOnce = 16;
constexpr uint8_t kPaeth = 4;

// The one of a, b, c that is nearest to a + b - c, in that order of preference.
inline int16_t predicted(int16_t a, int16_t b, int16_t c) {
  const int16_t by_a = static_cast<int16_t>(std::abs(b - c)), by_b = static_cast<int16_t>(std::abs(a - c));
  const int16_t by_c = static_cast<int16_t>(std::abs(a + b - 2 * c));
  const int16_t b_or_c = by_b <= by_c ? b : c;
  return by_a <= by_b && by_a <= by_c ? a : b_or_c;
}

void filter_row(const uint8_t* __restrict row, const uint8_t* __restrict above, size_t bytes, size_t pixel,
                uint8_t* __restrict out) {
  out[0] = kPaeth;
  for (size_t i = 0; i < std::min(pixel, bytes); ++i) out[1 + i] = static_cast<uint8_t>(row[i] - above[i]);
  for (size_t i = pixel; i < bytes; ++i) {
    out[1 + i] = static_cast<uint8_t>(row[i] - predicted(row[i - pixel], above[i], above[i - pixel]));
  }
}

}  // namespace

void paeth_filter(const uint8_t* rows, const uint8_t* above, size_t count, size_t row_bytes, size_t pixel_bytes,
                  uint8_t* out, const Parallel& parallel) {
  const std::vector<uint8_t> zeros(above == nullptr ? row_bytes : 0);
  const uint8_t* const before = above == nullptr ? zeros.data() : above;
  parallel.for_each((count + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t part) {
    for (size_t y = part * kRowsAtOnce; y < std::min(count, (part + 1) * kRowsAtOnce); ++y) {
      const uint8_t* const row = rows + y * row_bytes;
      filter_row(row, y == 0 ? before : row - row_bytes, row_bytes, pixel_bytes, out + y * (row_bytes + 1));
    }
  });
}

}  // namespace smartsplat
