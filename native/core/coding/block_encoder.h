// Makes chunks of blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coding/block_stream.h"
#include "container/container.h"

namespace smartsplat {

// The pixels of a square of a picture, and which of its blocks are coded.
struct BlockSource {
  int width, height;
  const uint8_t* flags;        // [rows of blocks][columns]
  size_t flag_stride;          // from row to row
  const uint16_t* samples[3];  // [height][width]; the same one three times of a grey picture
  size_t stride;               // likewise

  bool coded(int column, int row) const {
    return flags[static_cast<size_t>(row) * flag_stride + static_cast<size_t>(column)] != 0;
  }
  PixelColour at(int x, int y) const {
    const size_t place = static_cast<size_t>(y) * stride + static_cast<size_t>(x);
    return {samples[0][place], samples[1][place], samples[2][place]};
  }
};

// With fewer colours. Rarer ones join the next commoner one where that costs less than they do; prices are in squared
// steps of the samples: of a colour more in the palette, and of a pixel of such.
BlockPixels quantise_blocks(const BlockSource& source, double of_colour, double of_pixel);

// The chunk, empty if no block is coded. `bits`, if it is not null, gets what each block costs: [rows][columns], with
// rows so far apart.
std::vector<uint8_t> encode_blocks(const BlockPixels& pixels, SampleFormat format, float* bits, size_t bit_stride,
                                   const Parallel& parallel);

// A picture's samples of 16 bits, [3][height][width], and which of its blocks are coded, [rows][columns].
struct BlockPicture {
  int width, height;
  const uint16_t* planes;
  const uint8_t* flags;
};

// All chunks; see quantise_blocks and encode_blocks.
BlockPart<std::vector<uint8_t>> write_blocks(const BlockPicture& picture, SampleFormat format, double of_colour,
                                             double of_pixel, int square_log, float* bits, const Parallel& parallel);

}  // namespace smartsplat
