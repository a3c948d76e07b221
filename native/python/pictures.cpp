#include <nanobind/stl/optional.h>

#include <optional>

#include "pictures/planes.h"
#include "pictures/png_filter.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

template <class Sample>
void planes_of(const ArrayIn<Sample, 3>& pixels, ArrayOut<Sample, 3> planes, int threads) {
  require(pixels.shape(2) == 3, "pixels must have the shape (height, width, 3)");
  require(planes.shape(0) == 3 && planes.shape(1) == pixels.shape(0) && planes.shape(2) == pixels.shape(1),
          "planes must have the shape (3, height, width)");
  without_gil(threads, [&](const Parallel& parallel) {
    to_planes(pixels.data(), pixels.shape(0), pixels.shape(1), planes.data(), parallel);
  });
}

template <class Sample>
NewArray<Sample> halves_of(const ArrayIn<Sample, 3>& planes, int threads) {
  const size_t count = planes.shape(0), height = planes.shape(1), width = planes.shape(2);
  NewArray<Sample> halves = new_array<Sample>({count, (height + 1) / 2, (width + 1) / 2});
  without_gil(threads,
              [&](const Parallel& parallel) { halve(planes.data(), count, height, width, halves.data(), parallel); });
  return halves;
}

NewArray<uint8_t> filtered_rows(const ArrayIn<uint8_t, 2>& rows, const std::optional<ArrayIn<uint8_t, 1>>& above,
                                size_t pixel_bytes, int threads) {
  const size_t count = rows.shape(0), bytes = rows.shape(1);
  require(pixel_bytes > 0 && (!above || above->shape(0) == bytes), "the row above must be as long as the others");
  NewArray<uint8_t> filtered = new_array<uint8_t>({count, bytes + 1});
  without_gil(threads, [&](const Parallel& parallel) {
    paeth_filter(rows.data(), above ? above->data() : nullptr, count, bytes, pixel_bytes, filtered.data(), parallel);
  });
  return filtered;
}

// What there is for either type of samples, which is never converted.
template <class Sample>
void bind_samples(nb::module_& m) {
  m.def("to_planes", &planes_of<Sample>, "pixels"_a.noconvert(), "out"_a.noconvert(), "threads"_a = 0);
  m.def("halve", &halves_of<Sample>, "planes"_a.noconvert(), "threads"_a = 0);
}

}  // namespace

void bind_pictures(nb::module_& m) {
  bind_samples<uint8_t>(m);
  bind_samples<uint16_t>(m);
  m.def("paeth_filter", &filtered_rows, "rows"_a, "above"_a.none(), "pixel_bytes"_a, "threads"_a = 1);
}

}  // namespace smartsplat
