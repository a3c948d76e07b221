// One channel of a picture, seen through strides.
#pragma once

#include <cstddef>

namespace smartsplat {

template <class T>
struct Plane {
  const T* data;
  size_t height, width;
  ptrdiff_t row, column;  // strides, in samples
  double unit = 1;        // value of a sample of 1, where 8-bit values run to 255

  const T* at(size_t y, size_t x) const {
    return data + static_cast<ptrdiff_t>(y) * row + static_cast<ptrdiff_t>(x) * column;
  }
};

}  // namespace smartsplat
