// Numbers and bytes at the front of a file or a section.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/error.h"
#include "format/format.h"

namespace smartsplat {

using Bytes = std::span<const uint8_t>;

// Takes bytes and numbers from the front; throws Error of the kind kFormat where there are none left.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }
  bool ended() const { return at_ == bytes_.size(); }
  size_t left() const { return bytes_.size() - at_; }
  Bytes taken() const { return bytes_.first(at_); }

  Bytes take(uint64_t count) {
    if (count > bytes_.size() - at_) throw Error(ErrorKind::kFormat, "the file ends too early");
    at_ += static_cast<size_t>(count);
    return bytes_.subspan(at_ - static_cast<size_t>(count), static_cast<size_t>(count));
  }
  uint8_t byte() { return take(1)[0]; }
  Bytes rest() { return take(bytes_.size() - at_); }

  // 7 bits a byte, the lowest first; at most kGreatestNumber, and without zeros at its end.
  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 42; shift += 7) {
      const uint8_t next = byte();
      value |= uint64_t{next & 0x7Fu} << shift;
      if (next >= 0x80) continue;
      if (value > kGreatestNumber || (next == 0 && shift > 0)) break;
      return value;
    }
    throw Error(ErrorKind::kFormat, "a number in the header is out of range");
  }
  // Little-endian, of that many bytes.
  uint32_t integer(int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= uint32_t{byte()} << (8 * i);
    return value;
  }

 private:
  Bytes bytes_;
  size_t at_ = 0;
};

inline void append(std::vector<uint8_t>& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// As Reader reads them.
inline void append_number(std::vector<uint8_t>& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}
inline void append_integer(std::vector<uint8_t>& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace smartsplat
