#include "lattice/solve.h"
#include "lattice/wavelet.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

void transform(ArrayOut<float, 3> planes, int spacing, int threads) {
  const int rows = static_cast<int>(planes.shape(1)), columns = static_cast<int>(planes.shape(2));
  const size_t size = planes.shape(1) * planes.shape(2);
  without_gil(threads, [&](const Parallel& parallel) {
    for (size_t plane = 0; plane < planes.shape(0); ++plane) {
      wavelet_forward(planes.data() + plane * size, rows, columns, spacing, parallel);
    }
  });
}

void solve(ArrayOut<float, 3> planes, const ArrayIn<double, 2>& down, const ArrayIn<double, 2>& across, int threads) {
  const int rows = static_cast<int>(planes.shape(1)), columns = static_cast<int>(planes.shape(2));
  require(down.shape(1) == planes.shape(1) && across.shape(1) == planes.shape(2),
          "the matrices must have the sizes of the planes' sides");
  without_gil(threads, [&](const Parallel& parallel) {
    const BandedCholesky by_rows(down.data(), static_cast<int>(down.shape(0)), rows);
    const BandedCholesky by_columns(across.data(), static_cast<int>(across.shape(0)), columns);
    for (size_t plane = 0; plane < planes.shape(0); ++plane) {
      float* const values = planes.data() + plane * planes.shape(1) * planes.shape(2);
      solve_plane(values, rows, columns, by_rows, by_columns, parallel);
    }
  });
}

}  // namespace

void bind_lattice(nb::module_& m) {
  m.def("wavelet", &transform, "planes"_a.noconvert(), "spacing"_a, "threads"_a = 0);
  m.def("solve_lattice", &solve, "planes"_a.noconvert(), "down"_a, "across"_a, "threads"_a = 0);
}

}  // namespace smartsplat
