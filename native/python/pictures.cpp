#include "pictures/planes.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

NewArray<uint8_t> planes_of(const ArrayIn<uint8_t, 3>& pixels, int threads) {
  require(pixels.shape(2) == 3, "pixels must have the shape (height, width, 3)");
  NewArray<uint8_t> planes = new_array<uint8_t>({3, pixels.shape(0), pixels.shape(1)});
  without_gil(threads, [&](const Parallel& parallel) {
    to_planes(pixels.data(), pixels.shape(0), pixels.shape(1), planes.data(), parallel);
  });
  return planes;
}

NewArray<uint8_t> halves_of(const ArrayIn<uint8_t, 3>& planes, int threads) {
  const size_t count = planes.shape(0), height = planes.shape(1), width = planes.shape(2);
  NewArray<uint8_t> halves = new_array<uint8_t>({count, (height + 1) / 2, (width + 1) / 2});
  without_gil(threads,
              [&](const Parallel& parallel) { halve(planes.data(), count, height, width, halves.data(), parallel); });
  return halves;
}

}  // namespace

void bind_pictures(nb::module_& m) {
  m.def("to_planes", &planes_of, "pixels"_a, "threads"_a = 0);
  m.def("halve", &halves_of, "planes"_a, "threads"_a = 0);
}

}  // namespace smartsplat
