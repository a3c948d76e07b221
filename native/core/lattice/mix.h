// Colours of nodes as luma and differences, and back.
#pragma once

#include <array>
#include <cstddef>

#include "common/parallel.h"

namespace smartsplat {

using Mixer = std::array<std::array<float, 3>, 3>;

// Every node's three values become the matrix times them; planes [3][rows][columns].
inline void mix_planes(float* planes, int rows, int columns, const Mixer& matrix, const Parallel& parallel) {
  const size_t row = static_cast<size_t>(columns), size = static_cast<size_t>(rows) * row;
  parallel.for_each(static_cast<size_t>(rows), [&](size_t y) {
    float *a = planes + y * row, *b = a + size, *c = b + size;
    const Mixer m = matrix;  // of its own, so that what is written cannot be thought to change it
    for (size_t x = 0; x < row; ++x) {
      const float p = a[x], q = b[x], r = c[x];
      a[x] = m[0][0] * p + m[0][1] * q + m[0][2] * r;
      b[x] = m[1][0] * p + m[1][1] * q + m[1][2] * r;
      c[x] = m[2][0] * p + m[2][1] * q + m[2][2] * r;
    }
  });
}

}  // namespace smartsplat
