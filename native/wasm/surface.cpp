// Drawing to four bytes a pixel, which is all that pages show; stands in for core/rendering/surface.cpp.
#include "rendering/surface.h"

#include <cstring>

#include "common/error.h"
#include "common/memory.h"

namespace smartsplat {
namespace {

constexpr int kBytes = 4;  // of a pixel
constexpr size_t kRow = 3 * static_cast<size_t>(kTileSize);

// Interleaved RGB, behind which one more byte can be read.
void copy_pixels(const uint8_t* rgb, int width, int channels, uint8_t* out) {
  for (int x = 0; x < width; ++x, rgb += 3, out += kBytes) {
    if (channels == 1) {
      *out = *rgb;
      continue;
    }
    uint32_t pixel;  // four bytes at a time, of which the last is the next pixel's
    std::memcpy(&pixel, rgb, sizeof pixel);
    pixel |= 0xFF000000;
    std::memcpy(out, &pixel, sizeof pixel);
  }
}

}  // namespace

size_t sample_bytes(Samples samples) {
  require(samples == Samples::kBytes, "pages show 8 bits");
  return 1;
}

Surface part_of(const Surface& surface, int x, int y) {
  Surface part = surface;
  part.pixels = static_cast<uint8_t*>(surface.pixels) + y * surface.stride + static_cast<ptrdiff_t>(x) * kBytes;
  return part;
}

Surface channel_of(const Surface& surface, int channel) {
  Surface part = surface;
  part.channels = 1;
  part.pixels = static_cast<uint8_t*>(surface.pixels) + channel;
  return part;
}

void write_tile(const Tile& tile, const Surface& corner) {
  require(corner.step == kBytes && (corner.channels == 1 || corner.channels == kBytes), "pages show RGBA");
  static Buffer<uint8_t> rgb(kRow * kTileSize + 1);
  kernels().to_bytes(tile, rgb.data(), kRow);
  uint8_t* const first = static_cast<uint8_t*>(corner.pixels);
  for (int y = 0; y < tile.height; ++y) {
    copy_pixels(rgb.data() + static_cast<size_t>(y) * kRow, tile.width, corner.channels, first + y * corner.stride);
  }
}

void draw(const Frame& frame, const Surface& surface, const Parallel& parallel) {
  frame.for_tiles(0, parallel, [&](size_t, const TileList&, const Tile& tile) {
    write_tile(tile, part_of(surface, tile.x, tile.y));
  });
}

}  // namespace smartsplat
