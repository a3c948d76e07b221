// Memory for pictures and long lists.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>

namespace smartsplat {

// In huge pages where there are any, since touching a new page costs more than filling it. Not initialised.
void* allocate(size_t bytes);
void* allocate(size_t count, size_t bytes_each);
void release(void* memory) noexcept;

// The same for what is made again and again in one size, as pictures in a loop are: the last block that was released is
// kept for the next of its size, for its pages need not be found and cleared again.
void* allocate_again(size_t bytes);
void release_again(void* memory) noexcept;

// Zeros. Systems give pages when they are written to: what stays zero costs nothing.
void* allocate_zeros(size_t count, size_t bytes_each);

template <class T>
using Zeros = std::unique_ptr<T[], void (*)(void*)>;
template <class T>
Zeros<T> zeros(size_t count) {
  return {static_cast<T*>(allocate_zeros(count, sizeof(T))), &std::free};
}

// An array that is not initialised: filling a long list twice would cost as much as computing it.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(size_t size) : data_(static_cast<T*>(allocate(size, sizeof(T)))), size_(size) {}
  ~Buffer() { release(data_); }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  // Gives the memory away; it is to be released by release().
  T* detach() {
    size_ = 0;
    return std::exchange(data_, nullptr);
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace smartsplat
