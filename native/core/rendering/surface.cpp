#include "rendering/surface.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

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

constexpr uint8_t opaque(uint8_t) { return 255; }
constexpr uint16_t opaque(uint16_t) { return 65535; }
constexpr float opaque(float) { return 1; }

inline uint8_t clamped(uint8_t value) { return value; }
inline uint16_t clamped(uint16_t value) { return value; }
inline float clamped(float value) { return std::clamp(value, 0.0f, 1.0f); }

template <int kDrawn, class T>
void spread_pixels(const T* rgb, int width, int step, T* out) {
  for (int x = 0; x < width; ++x, out += step) {
    for (int c = 0; c < std::min(kDrawn, 3); ++c) out[c] = clamped(rgb[3 * x + c]);
    if constexpr (kDrawn == 4) out[3] = opaque(T{});
  }
}

template <class T>
void copy_pixels(const Surface& surface, const T* rgb, int width, T* out) {
  if (surface.channels == 1) return spread_pixels<1>(rgb, width, surface.step, out);
  if (surface.channels == 3) return spread_pixels<3>(rgb, width, surface.step, out);
  int x = 0;
  if constexpr (sizeof(T) == 1 && std::endian::native == std::endian::little) {
    for (; surface.step == 4 && x + 1 < width; ++x) {  // four bytes at a time, of which the last is the next pixel's
      uint32_t pixel;
      std::memcpy(&pixel, rgb + 3 * x, 4);
      pixel |= 0xFF000000;
      std::memcpy(out + 4 * x, &pixel, 4);
    }
  }
  spread_pixels<4>(rgb + 3 * x, width - x, surface.step, out + static_cast<ptrdiff_t>(x) * surface.step);
}

template <class T, class Kernel>
void draw_tile(const Tile& tile, const Surface& surface, uint8_t* first, Kernel kernel) {
  T* const rgb = tile_memory<T>();
  kernel(tile, rgb, kTileRow);
  for (int y = 0; y < tile.height; ++y) {
    copy_pixels(surface, rgb + static_cast<size_t>(y) * kTileRow, tile.width,
                reinterpret_cast<T*>(first + y * surface.stride));
  }
}

}  // namespace

size_t sample_bytes(Samples samples) {
  return samples == Samples::kBytes ? sizeof(uint8_t) : samples == Samples::kWords ? sizeof(uint16_t) : sizeof(float);
}

Surface part_of(const Surface& surface, int x, int y) {
  Surface part = surface;
  part.pixels = static_cast<uint8_t*>(surface.pixels) + y * surface.stride +
                static_cast<ptrdiff_t>(static_cast<size_t>(x) * surface.pixel_bytes());
  return part;
}

Surface channel_of(const Surface& surface, int channel) {
  Surface part = surface;
  part.channels = 1;
  part.pixels = static_cast<uint8_t*>(surface.pixels) + static_cast<size_t>(channel) * sample_bytes(surface.samples);
  return part;
}

void write_tile(const Tile& tile, const Surface& corner) {
  uint8_t* const first = static_cast<uint8_t*>(corner.pixels);
  const bool packed = corner.samples == Samples::kBytes && corner.channels == 3 && corner.step == 3;
  if (packed && corner.stride >= 0) {
    kernels().to_bytes(tile, first, static_cast<size_t>(corner.stride));
  } else if (corner.samples == Samples::kFloats) {
    draw_tile<float>(tile, corner, first, kernels().to_floats);
  } else if (corner.samples == Samples::kWords) {
    draw_tile<uint16_t>(tile, corner, first, kernels().to_words);
  } else {
    draw_tile<uint8_t>(tile, corner, first, kernels().to_bytes);
  }
}

void draw(const Frame& frame, const Surface& surface, const Parallel& parallel) {
  frame.for_tiles(0, parallel, [&](size_t, const TileList&, const Tile& tile) {
    write_tile(tile, part_of(surface, tile.x, tile.y));
  });
}

void draw_sums(const Frame& frame, float* rgb, const Parallel& parallel) {
  const size_t stride = 3 * static_cast<size_t>(frame.view().width);
  frame.for_tiles(0, parallel, [&](size_t, const TileList&, const Tile& tile) {
    kernels().to_floats(tile, rgb + static_cast<size_t>(tile.y) * stride + 3 * static_cast<size_t>(tile.x), stride);
  });
}

}  // namespace smartsplat
