// A file in parts that may say anything, and its way back to bytes: with the checksums that belong to them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "container/container.h"

// A piece of metadata.
struct Extra {
  uint8_t kind;
  std::vector<uint8_t> bytes;
};

// The chunks are in the order of the file, whatever the rest says of their number.
struct Draft {
  uint8_t major = 0, minor = 0;
  uint64_t width = 0, height = 0, flags = 0;
  uint8_t square_log = 0, lattice_square_log = 0;
  uint64_t splats = 0;
  uint8_t splat_step = 0;
  uint8_t spacing = 0;  // log2 px and one; 0: there is no lattice
  uint16_t lattice_step = 0;
  std::vector<Extra> metadata;
  std::vector<uint8_t> alpha;  // the file of the alpha picture, if the flags say that there is one
  smartsplat::Streams chunks;

  // Whether a decoder would take the numbers, and chunks mean something.
  bool has_size() const;
  int columns() const { return static_cast<int>(width); }
  int rows() const { return static_cast<int>(height); }
  bool grey() const { return (flags & 1) != 0; }
  bool has_alpha() const { return (flags & smartsplat::kFlagAlpha) != 0; }

  // The parts, as far as there are chunks for them; nothing else may be changed in between.
  smartsplat::SplatBytes splat_part() const;
  std::optional<smartsplat::LatticeBytes> lattice_part() const;
  // Takes others, with their numbers.
  void put(const smartsplat::SplatBytes& splats, const std::optional<smartsplat::LatticeBytes>& lattice);
};

// Nothing if the bytes cannot be told apart as the parts of a file. Checksums are not looked at.
std::optional<Draft> read_draft(smartsplat::Bytes file);

std::vector<uint8_t> write_draft(const Draft& draft);

// Puts right checksums where they stand in a file, as far as it has a header.
void repair(std::vector<uint8_t>& file);
