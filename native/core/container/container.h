// The file around the streams: magic, version, header, table of contents, sections with a checksum each.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "container/bytes.h"

namespace smartsplat {

struct Section {
  uint8_t kind;
  Bytes bytes;
};

// What a file holds; the bytes of its sections lie where the file's do.
struct Container {
  int width = 0, height = 0;
  bool grey = false;
  std::vector<Section> sections;  // of known types only, each once

  std::optional<Bytes> find(uint8_t kind) const;
};

// Whether bytes begin as a file does, or are too few to tell.
bool begins_like_a_file(Bytes bytes);

// Bytes of a file as its header announces them, from a start that holds all of that (kLongestHead bytes, or the whole
// file). Throws Error of the kind kFormat where the header is cut short or not one.
uint64_t announced_length(Bytes start);

// Throws Error of the kind kFormat for what is not a file of this kind, is of a later major version, damaged, cut
// short, longer than it says, without splats, or has a critical section of an unknown type. Nothing is decoded.
Container read_container(Bytes file);

std::vector<uint8_t> write_container(const Container& container);

}  // namespace smartsplat
