// What the fuzz targets do with a file: all that the C face offers.
#pragma once

#include <cstddef>
#include <cstdint>

// Takes numbers from the end of a fuzzer's input, so that what stands before them can be a whole file; zeros when there
// are none left.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t byte() { return size_ > 0 ? data_[--size_] : 0; }
  // Of two bytes.
  int number() {
    const int low = byte();
    return low + 256 * byte();
  }
  // In [0, 1].
  double fraction() { return number() / 65535.0; }
  size_t left() const { return size_; }

 private:
  const uint8_t* data_;
  size_t size_;
};

// Opens the bytes, asks all questions, decodes views that the choices name, and aborts if an answer breaks a promise
// of smartsplat.h.
void exercise(const uint8_t* bytes, size_t size, Choices& choices);
