// The chunks of blocks: squares of 8 x 8 px of which a file says the very colours, for text and flat areas.
// coding/SPEC.md describes them; every number that decides how bits are read is an integer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

#include "common/memory.h"
#include "common/parallel.h"
#include "format/format.h"

namespace smartsplat {

// Samples of 8 or 16 bits; all three are equal in a grey picture.
using PixelColour = std::array<uint16_t, 3>;

struct SampleFormat {
  bool grey, deep;  // one sample a pixel; 16 bits each
};

inline int blocks_along(int side) { return (side + kPixelBlock - 1) / kPixelBlock; }

// What a chunk holds: of each pixel the index of its colour, 0 outside of blocks.
class BlockPixels {
 public:
  static constexpr int kMostColours = (1 << kPaletteLog) - 1;

  BlockPixels() = default;
  BlockPixels(int width, int height)
      : width_(width),
        height_(height),
        indices_(zeros<uint16_t>(room(static_cast<uint64_t>(stride()), static_cast<uint64_t>(height + kMargin)))) {}

  bool empty() const { return colours() == 0; }
  int width() const { return width_; }
  int height() const { return height_; }
  // From row to row. There are zeros left and right of a row and above the first, as far as kMargin.
  ptrdiff_t stride() const { return width_ + 2 * kMargin; }
  uint16_t* row(int y) { return indices_.get() + (y + kMargin) * stride() + kMargin; }
  const uint16_t* row(int y) const { return indices_.get() + (y + kMargin) * stride() + kMargin; }

  // The indices 1 to that many have colours.
  int colours() const { return static_cast<int>(palette_.size()); }
  const PixelColour& colour(int index) const { return palette_[static_cast<size_t>(index - 1)]; }
  void add(const PixelColour& colour) { palette_.push_back(colour); }

 private:
  static constexpr int kMargin = 4;

  static size_t room(uint64_t columns, uint64_t rows) {
    if (columns * rows > PTRDIFF_MAX / sizeof(uint16_t)) throw std::bad_alloc();  // in 32 bits it would wrap
    return static_cast<size_t>(columns * rows);
  }

  int width_ = 0, height_ = 0;
  std::vector<PixelColour> palette_;
  Zeros<uint16_t> indices_{nullptr, &std::free};
};

// How many bits of a chunk of so many bytes may be mixed, which takes 50 ns each: pictures have 5 to 60 for a byte, but
// a stream that foresees all of them may have thousands.
uint64_t most_mixed_bits(uint64_t bytes, double work);

// Throws Error if the bytes cannot be such a chunk, or have more mixed bits than that.
BlockPixels decode_blocks(std::span<const uint8_t> stream, int width, int height, SampleFormat format, double work,
                          const Parallel& parallel);

}  // namespace smartsplat
