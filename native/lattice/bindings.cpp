#include "lattice/bindings.h"

#include <algorithm>

#include "common/arrays.h"
#include "common/threads.h"
#include "lattice/solve.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

NewArray<float> transformed(const ArrayIn<float, 3>& planes, bool inverse) {
  NewArray<float> out = new_array<float>({planes.shape(0), planes.shape(1), planes.shape(2)});
  const int rows = static_cast<int>(planes.shape(1)), columns = static_cast<int>(planes.shape(2));
  const size_t size = planes.shape(1) * planes.shape(2);
  nb::gil_scoped_release release;
  std::copy_n(planes.data(), planes.shape(0) * size, out.data());
  parallel_for(planes.shape(0), [&](size_t plane) {
    (inverse ? wavelet_inverse : wavelet_forward)(out.data() + plane * size, rows, columns);
  });
  return out;
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
  m.def("wavelet", &transformed, "planes"_a, "inverse"_a);
  m.def("solve_lattice", &solve, "planes"_a, "down"_a, "across"_a);
}

}  // namespace smartsplat
