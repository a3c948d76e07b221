// NumPy arrays as arguments and results of the bindings.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "common/error.h"
#include "common/memory.h"
#include "python/gil.h"

namespace smartsplat {

namespace nb = nanobind;

// Contiguous arrays of that many dimensions, which may be read-only; others are converted.
template <class T, int Dimensions>
using ArrayIn = nb::ndarray<const T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
// Those that are written to. Every such argument is bound with noconvert(): a converted copy would be written to and
// thrown away.
template <class T, int Dimensions>
using ArrayOut = nb::ndarray<T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
template <class T>
using NewArray = nb::ndarray<nb::numpy, T, nb::c_contig>;

// An array that owns its memory, not initialised.
template <class T>
NewArray<T> array_in(void* (*allocate)(size_t), void (*release)(void*) noexcept, std::initializer_list<size_t> shape) {
  size_t bytes = sizeof(T);
  for (const size_t n : shape) bytes *= n;
  std::unique_ptr<void, void (*)(void*)> memory(allocate(bytes), release);
  nb::capsule owner(memory.get(), release);
  return NewArray<T>(static_cast<T*>(memory.release()), shape.size(), shape.begin(), owner);
}

// A new one.
template <class T>
NewArray<T> new_array(std::initializer_list<size_t> shape) {
  return array_in<T>(allocate, release, shape);
}

// One of the memory of the last of its size, for large arrays.
template <class T>
NewArray<T> array_again(std::initializer_list<size_t> shape) {
  return array_in<T>(allocate_again, release_again, shape);
}

// A read-only array of a buffer's numbers.
template <class T>
NewArray<const T> frozen_array(Buffer<T> buffer, std::initializer_list<size_t> shape) {
  std::unique_ptr<void, void (*)(void*)> memory(buffer.detach(), release);
  nb::capsule owner(memory.get(), release);
  return NewArray<const T>(static_cast<const T*>(memory.release()), shape.size(), shape.begin(), owner);
}

inline nb::bytes bytes_of(const std::vector<uint8_t>& bytes) { return nb::bytes(bytes.data(), bytes.size()); }

inline std::span<const uint8_t> span_of(const nb::bytes& bytes) {
  return {static_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace smartsplat
