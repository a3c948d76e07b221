// The checksum of sections and headers.
#pragma once

#include <cstdint>
#include <span>

namespace smartsplat {

// CRC-32 of zlib and PNG: the reflected polynomial 0xEDB88320.
uint32_t crc32(std::span<const uint8_t> bytes);

}  // namespace smartsplat
