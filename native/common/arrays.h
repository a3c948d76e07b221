// NumPy arrays as arguments and results of the bindings.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <initializer_list>
#include <memory>

#include "common/memory.h"

namespace smartsplat {

namespace nb = nanobind;

// Contiguous arrays of any shape of that many dimensions; read-only ones accept NumPy's read-only arrays.
template <class T, int Dimensions>
using ArrayIn = nb::ndarray<const T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
template <class T, int Dimensions>
using ArrayOut = nb::ndarray<T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
template <class T>
using NewArray = nb::ndarray<nb::numpy, T, nb::c_contig>;

// A new array that owns its memory, not initialised.
template <class T>
NewArray<T> new_array(std::initializer_list<size_t> shape) {
  size_t bytes = sizeof(T);
  for (const size_t n : shape) bytes *= n;
  std::unique_ptr<void, void (*)(void*)> memory(allocate(bytes), release);
  nb::capsule owner(memory.get(), release);
  return NewArray<T>(static_cast<T*>(memory.release()), shape.size(), shape.begin(), owner);
}

inline void require(bool condition, const char* message) {
  if (!condition) throw nb::value_error(message);
}

}  // namespace smartsplat
