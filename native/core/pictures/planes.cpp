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

template <class Sample>
void split_row(const Sample* __restrict pixels, size_t width, Sample* __restrict red, Sample* __restrict green,
               Sample* __restrict blue) {
  for (size_t x = 0; x < width; ++x) {
    red[x] = pixels[3 * x];
    green[x] = pixels[3 * x + 1];
    blue[x] = pixels[3 * x + 2];
  }
}

// Where a row or column has no partner it is its own: the mean of a sample and itself is the sample.
template <class Sample>
void halve_row(const Sample* __restrict upper, const Sample* __restrict lower, size_t width, Sample* __restrict out) {
  for (size_t x = 0; x < width / 2; ++x) {
    out[x] = static_cast<Sample>((upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 2) / 4);
  }
  if (width % 2) out[width / 2] = static_cast<Sample>((upper[width - 1] + lower[width - 1] + 1) / 2);
}

}  // namespace

template <class Sample>
void to_planes(const Sample* pixels, size_t height, size_t width, Sample* planes, const Parallel& parallel) {
  const size_t size = height * width;
  for_each_row(height, parallel, [=](size_t y) {
    Sample* const red = planes + y * width;
    split_row(pixels + 3 * y * width, width, red, red + size, red + 2 * size);
  });
}

template <class Sample>
void halve(const Sample* planes, size_t count, size_t height, size_t width, Sample* halves, const Parallel& parallel) {
  const size_t rows = (height + 1) / 2, columns = (width + 1) / 2;
  for_each_row(count * rows, parallel, [=](size_t row) {
    const size_t plane = row / rows, y = 2 * (row % rows);
    const Sample* const upper = planes + (plane * height + y) * width;
    halve_row(upper, y + 1 < height ? upper + width : upper, width, halves + row * columns);
  });
}

template void to_planes(const uint8_t*, size_t, size_t, uint8_t*, const Parallel&);
template void to_planes(const uint16_t*, size_t, size_t, uint16_t*, const Parallel&);
template void halve(const uint8_t*, size_t, size_t, size_t, uint8_t*, const Parallel&);
template void halve(const uint16_t*, size_t, size_t, size_t, uint16_t*, const Parallel&);

}  // namespace smartsplat
