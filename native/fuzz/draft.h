// A file in parts that may say anything, and its way back to bytes: with the checksums that belong to them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "container/bytes.h"

struct Part {
  uint8_t kind;
  std::vector<uint8_t> bytes;
};

struct Draft {
  uint8_t major, minor;
  uint64_t width, height, flags;
  std::vector<Part> parts;

  Part* find(uint8_t kind);
  // Whether a decoder would take the size, and sections mean something.
  bool has_size() const;
  int columns() const { return static_cast<int>(width); }
  int rows() const { return static_cast<int>(height); }
  bool grey() const { return (flags & 1) != 0; }
};

// Nothing if the bytes cannot be told apart as the parts of a file. Checksums are not looked at.
std::optional<Draft> read_draft(smartsplat::Bytes file);

std::vector<uint8_t> write_draft(const Draft& draft);

// Puts right checksums where they stand in a file, as far as it has a table of contents.
void repair(std::vector<uint8_t>& file);
