#include "container/crc32.h"

#include <array>
#include <cstddef>

namespace smartsplat {
namespace {

constexpr size_t kSlices = 8;  // bytes taken at a time

using Table = std::array<std::array<uint32_t, 256>, kSlices>;

// table[k][b]: what the byte b does to the checksum once k more bytes have followed it.
Table make_table() {
  Table table{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t value = b;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
    table[0][b] = value;
  }
  for (size_t k = 1; k < kSlices; ++k) {
    for (size_t b = 0; b < 256; ++b) table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xFF];
  }
  return table;
}

}  // namespace

uint32_t crc32(std::span<const uint8_t> bytes) {
  static const Table table = make_table();  // not in the program: it would be an eighth of the decoder for browsers
  uint32_t crc = ~0u;
  size_t i = 0;
  for (; i + kSlices <= bytes.size(); i += kSlices) {
    uint32_t next = 0;
    for (size_t k = 0; k < kSlices; ++k) {
      const uint32_t mixed = bytes[i + k] ^ (k < 4 ? crc >> (8 * k) & 0xFF : 0);
      next ^= table[kSlices - 1 - k][mixed];
    }
    crc = next;
  }
  for (; i < bytes.size(); ++i) crc = crc >> 8 ^ table[0][(crc ^ bytes[i]) & 0xFF];
  return ~crc;
}

}  // namespace smartsplat
