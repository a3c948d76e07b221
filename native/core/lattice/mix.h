// Colours of nodes as luma and differences, and back.
#pragma once

#include <array>
#include <cstddef>

#include "common/parallel.h"

namespace smartsplat {

using Mixer = std::array<std::array<float, 3>, 3>;

// Three planes of values, in rows that are `stride` apart, planes `plane` apart.
struct Planes {
  float* first;
  int rows, columns;
  ptrdiff_t stride, plane;
};
// [3][rows][columns]
inline Planes packed_planes(float* values, int rows, int columns) {
  return {values, rows, columns, columns, ptrdiff_t{rows} * columns};
}

// Every node's three values become the matrix times them.
inline void mix_planes(const Planes& planes, const Mixer& matrix, const Parallel& parallel) {
  parallel.for_each(static_cast<size_t>(planes.rows), [&](size_t y) {
    float *a = planes.first + static_cast<ptrdiff_t>(y) * planes.stride, *b = a + planes.plane, *c = b + planes.plane;
    const Mixer m = matrix;  // of its own, so that what is written cannot be thought to change it
    for (int x = 0; x < planes.columns; ++x) {
      const float p = a[x], q = b[x], r = c[x];
      a[x] = m[0][0] * p + m[0][1] * q + m[0][2] * r;
      b[x] = m[1][0] * p + m[1][1] * q + m[1][2] * r;
      c[x] = m[2][0] * p + m[2][1] * q + m[2][2] * r;
    }
  });
}

}  // namespace smartsplat
