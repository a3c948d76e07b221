#include "pictures/planes.h"

#include <algorithm>

namespace smartsplat {
namespace {

constexpr size_t kRowsAtOnce = 16;  // enough work that handing it to a thread costs nothing

template <class Body>
void for_each_row(size_t rows, const Parallel& parallel, const Body& body) {
  parallel.for_each((rows + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t chunk) {
    const size_t end = std::min(rows, (chunk + 1) * kRowsAtOnce);
    for (size_t row = chunk * kRowsAtOnce; row < end; ++row) body(row);
  });
}

void split_row(const uint8_t* __restrict pixels, size_t width, uint8_t* __restrict red, uint8_t* __restrict green,
               uint8_t* __restrict blue) {
  for (size_t x = 0; x < width; ++x) {
    red[x] = pixels[3 * x];
    green[x] = pixels[3 * x + 1];
    blue[x] = pixels[3 * x + 2];
  }
}

// Where a row or column has no partner it is its own: the mean of a sample and itself is the sample.
void halve_row(const uint8_t* __restrict upper, const uint8_t* __restrict lower, size_t width,
               uint8_t* __restrict out) {
  for (size_t x = 0; x < width / 2; ++x) {
    out[x] = static_cast<uint8_t>((upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 2) / 4);
  }
  if (width % 2) out[width / 2] = static_cast<uint8_t>((upper[width - 1] + lower[width - 1] + 1) / 2);
}

}  // namespace

void to_planes(const uint8_t* pixels, size_t height, size_t width, uint8_t* planes, const Parallel& parallel) {
  const size_t size = height * width;
  for_each_row(height, parallel, [=](size_t y) {
    uint8_t* const red = planes + y * width;
    split_row(pixels + 3 * y * width, width, red, red + size, red + 2 * size);
  });
}

void halve(const uint8_t* planes, size_t count, size_t height, size_t width, uint8_t* halves,
           const Parallel& parallel) {
  const size_t rows = (height + 1) / 2, columns = (width + 1) / 2;
  for_each_row(count * rows, parallel, [=](size_t row) {
    const size_t plane = row / rows, y = 2 * (row % rows);
    const uint8_t* const upper = planes + (plane * height + y) * width;
    halve_row(upper, y + 1 < height ? upper + width : upper, width, halves + row * columns);
  });
}

}  // namespace smartsplat
