#include "lattice/bindings.h"

#include <bit>
#include <cstdint>

#include "common/arrays.h"
#include "common/threads.h"
#include "lattice/solve.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

void transform(ArrayOut<float, 3> planes, int spacing, bool inverse) {
  const int rows = static_cast<int>(planes.shape(1)), columns = static_cast<int>(planes.shape(2));
  const size_t size = planes.shape(1) * planes.shape(2);
  nb::gil_scoped_release release;
  for (size_t plane = 0; plane < planes.shape(0); ++plane) {
    (inverse ? wavelet_inverse : wavelet_forward)(planes.data() + plane * size, rows, columns, spacing);
  }
}

// Every pixel's three values become the matrix times them.
void mix(ArrayOut<float, 3> planes, const ArrayIn<float, 2>& matrix) {
  require(planes.shape(0) == 3 && matrix.shape(0) == 3 && matrix.shape(1) == 3, "three planes and a 3 x 3 matrix");
  const size_t columns = planes.shape(2), size = planes.shape(1) * columns;
  const float* m = matrix.data();
  nb::gil_scoped_release release;
  parallel_for(planes.shape(1), [&](size_t row) {
    float *a = planes.data() + row * columns, *b = a + size, *c = b + size;
    for (size_t x = 0; x < columns; ++x) {
      const float p = a[x], q = b[x], r = c[x];
      a[x] = m[0] * p + m[1] * q + m[2] * r;
      b[x] = m[3] * p + m[4] * q + m[5] * r;
      c[x] = m[6] * p + m[7] * q + m[8] * r;
    }
  });
}

// The integers as floats, in their own memory, which nobody may use as integers any more.
void to_floats(ArrayOut<int32_t, 3> planes) {
  const size_t row = planes.shape(2);
  nb::gil_scoped_release release;
  parallel_for(planes.shape(0) * planes.shape(1), [&](size_t y) {
    int32_t* values = planes.data() + y * row;
    for (size_t x = 0; x < row; ++x) values[x] = std::bit_cast<int32_t>(static_cast<float>(values[x]));
  });
}

void solve(ArrayOut<float, 3> planes, const ArrayIn<double, 2>& down, const ArrayIn<double, 2>& across) {
  const int rows = static_cast<int>(planes.shape(1)), columns = static_cast<int>(planes.shape(2));
  require(down.shape(1) == planes.shape(1) && across.shape(1) == planes.shape(2),
          "the matrices must have the sizes of the planes' sides");
  nb::gil_scoped_release release;
  const BandedCholesky rows_factor(down.data(), static_cast<int>(down.shape(0)), rows);
  const BandedCholesky columns_factor(across.data(), static_cast<int>(across.shape(0)), columns);
  for (size_t plane = 0; plane < planes.shape(0); ++plane) {
    solve_plane(planes.data() + plane * planes.shape(1) * planes.shape(2), rows, columns, rows_factor, columns_factor);
  }
}

}  // namespace

void bind_lattice(nb::module_& m) {
  m.def("wavelet", &transform, "planes"_a.noconvert(), "spacing"_a, "inverse"_a);
  m.def("to_floats", &to_floats, "planes"_a.noconvert());
  m.def("mix_planes", &mix, "planes"_a.noconvert(), "matrix"_a);
  m.def("solve_lattice", &solve, "planes"_a.noconvert(), "down"_a, "across"_a);
}

}  // namespace smartsplat
