#include "rendering/surface.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "common/error.h"
#include "common/memory.h"

namespace smartsplat {
namespace {

constexpr size_t kTileRow = 3 * static_cast<size_t>(kTileSize);

// A tile of interleaved RGB, for formats that the kernels do not write themselves. On the heap: where memory is short
// that throws, whereas a thread that cannot have its own variables ends the process.
template <class T>
T* tile_memory() {
  thread_local Buffer<T> pixels(kTileRow * kTileSize);
  return pixels.data();
}

void copy_pixels(PixelFormat format, const uint8_t* rgb, int width, uint8_t* out) {
  if (format == PixelFormat::kGrey8) {
    for (int x = 0; x < width; ++x) out[x] = rgb[3 * x];
    return;
  }
  if (format == PixelFormat::kRgb8) {
    std::memcpy(out, rgb, 3 * static_cast<size_t>(width));
    return;
  }
  int x = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; x + 1 < width; ++x) {  // four bytes at a time, of which the last is the next pixel's
      uint32_t pixel;
      std::memcpy(&pixel, rgb + 3 * x, 4);
      pixel |= 0xFF000000;
      std::memcpy(out + 4 * x, &pixel, 4);
    }
  }
  for (; x < width; ++x) {
    std::memcpy(out + 4 * x, rgb + 3 * x, 3);
    out[4 * x + 3] = 255;
  }
}

void copy_pixels(PixelFormat format, const float* rgb, int width, float* out) {
  const int channels = format == PixelFormat::kGreyFloat ? 1 : 3;
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < channels; ++c) out[channels * x + c] = std::clamp(rgb[3 * x + c], 0.0f, 1.0f);
  }
}

template <class T, class Kernel>
void draw_tile(const Tile& tile, const Surface& surface, uint8_t* first, Kernel kernel) {
  T* const rgb = tile_memory<T>();
  kernel(tile, rgb, kTileRow);
  for (int y = 0; y < tile.height; ++y) {
    copy_pixels(surface.format, rgb + static_cast<size_t>(y) * kTileRow, tile.width,
                reinterpret_cast<T*>(first + y * surface.stride));
  }
}

}  // namespace

size_t pixel_bytes(PixelFormat format) {
  switch (format) {
    case PixelFormat::kGrey8:
      return 1;
    case PixelFormat::kRgb8:
      return 3;
    case PixelFormat::kRgba8:
      return 4;
    case PixelFormat::kGreyFloat:
      return sizeof(float);
    case PixelFormat::kRgbFloat:
      return 3 * sizeof(float);
  }
  throw Error(ErrorKind::kArgument, "there is no such pixel format");
}

Surface part_of(const Surface& surface, int x, int y) {
  const ptrdiff_t offset =
      y * surface.stride + static_cast<ptrdiff_t>(static_cast<size_t>(x) * pixel_bytes(surface.format));
  return {surface.format, static_cast<uint8_t*>(surface.pixels) + offset, surface.stride};
}

void draw(const Frame& frame, const Surface& surface, const Parallel& parallel) {
  const bool floats = surface.format == PixelFormat::kGreyFloat || surface.format == PixelFormat::kRgbFloat;
  frame.for_tiles(0, parallel, [&](size_t, const TileList&, const Tile& tile) {
    uint8_t* const first = static_cast<uint8_t*>(part_of(surface, tile.x, tile.y).pixels);
    if (surface.format == PixelFormat::kRgb8 && surface.stride >= 0) {
      kernels().to_bytes(tile, first, static_cast<size_t>(surface.stride));
    } else if (floats) {
      draw_tile<float>(tile, surface, first, kernels().to_floats);
    } else {
      draw_tile<uint8_t>(tile, surface, first, kernels().to_bytes);
    }
  });
}

void draw_sums(const Frame& frame, float* rgb, const Parallel& parallel) {
  const size_t stride = 3 * static_cast<size_t>(frame.view().width);
  frame.for_tiles(0, parallel, [&](size_t, const TileList&, const Tile& tile) {
    kernels().to_floats(tile, rgb + static_cast<size_t>(tile.y) * stride + 3 * static_cast<size_t>(tile.x), stride);
  });
}

}  // namespace smartsplat
