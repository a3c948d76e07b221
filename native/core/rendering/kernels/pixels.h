// Losses of a tile without neighbourhoods, and its conversion to pictures.
#pragma once

#include "common/simd.h"
#include "rendering/kernels/channels.h"
#include "rendering/pixel_splat.h"

namespace {

using smartsplat::kCellSize;
using smartsplat::Target;
using smartsplat::Tile;

constexpr float kToUnit = 1.0f / 255;

inline float* row_of(const Tile& tile, int channel, int row) {
  return tile.plane[channel] + static_cast<size_t>(row) * tile.stride;
}

// Distance of sums to the nearest ones that decode to the goal: a sum beyond a saturated goal is right.
inline vf residual(vf value, vf goal) {
  const vf e = value - goal * kToUnit;
  const vi right = ((goal == splat(255)) & (e > splat(0))) | ((goal == splat(0)) & (e < splat(0)));
  return where(~right, e);
}

inline vi to_bytes(vf value) { return __builtin_convertvector(clamp_unit(value) * 255.0f + 0.5f, vi); }
inline vi to_words(vf value) { return __builtin_convertvector(clamp_unit(value) * 65535.0f + 0.5f, vi); }

constexpr float kStep = 257;  // of 8 bits, in steps of 16

// Samples of the target in steps of 8 bits; 65535 is exactly 255.
inline vf load_goal(const uint8_t* p) { return load_bytes(p); }
inline vf load_goal(const uint16_t* p) { return load_words(p) / splat(kStep); }

// How far the samples that sums decode to are from the target, in steps of 8 bits.
inline vf decoded_difference(vf sums, const uint8_t* goal) {
  return __builtin_convertvector(to_bytes(sums), vf) - load_bytes(goal);
}
inline vf decoded_difference(vf sums, const uint16_t* goal) {
  return (__builtin_convertvector(to_words(sums), vf) - load_words(goal)) * (1 / kStep);
}

// A row of the target, and one of sums, with zeros after their ends up to whole vectors.
template <class Sample>
struct PaddedRow {
  PaddedRow(const Tile& tile, const Target& target, int channel, int y)
      : sums(row_of(tile, channel, y)), end((tile.width + kLanes - 1) / kLanes * kLanes) {
    std::memset(goal + tile.width / kLanes * kLanes, 0, kLanes * sizeof(Sample));
    const Sample* const from = target.row<Sample>(channel, tile.y + y) + tile.x;
    std::memcpy(goal, from, static_cast<size_t>(tile.width) * sizeof(Sample));
    for (int x = tile.width; x % 16 != 0; ++x) sums[x] = 0;
  }
  float* sums;
  int end;
  alignas(64) Sample goal[smartsplat::kTileSize + kLanes];
};

template <class Sample, class Apply>
inline double over_samples(const Tile& tile, const Target& target, Apply apply) {
  vf total = {};
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < tile.height; ++y) {
      PaddedRow<Sample> row(tile, target, c, y);
      for (int x = 0; x < row.end; x += kLanes) total += apply(row.sums + x, row.goal + x);
    }
  }
  return sum(total);
}

// Adds up apply(sums, samples of the target) -> vf over the tile; the sums may be changed.
template <class Apply>
inline double over_pixels(const Tile& tile, const Target& target, Apply apply) {
  return target.wide ? over_samples<uint16_t>(tile, target, apply) : over_samples<uint8_t>(tile, target, apply);
}

double squared_loss(const Tile& tile, const Target& target, float scale) {
  return over_pixels(tile, target, [scale](float* sums, const auto* goal) {
    const vf e = residual(load(sums), load_goal(goal));
    store(sums, e * (2 * scale));
    return e * e;
  });
}

double absolute_loss(const Tile& tile, const Target& target, float scale) {
  return over_pixels(tile, target, [scale](float* sums, const auto* goal) {
    const vf e = residual(load(sums), load_goal(goal));
    store(sums, where(e > splat(0), splat(scale)) - where(e < splat(0), splat(scale)));
    return choose(e < splat(0), -e, e);
  });
}

double decoded_error(const Tile& tile, const Target& target) {
  return over_pixels(tile, target, [](float* sums, const auto* goal) {
    const vf e = decoded_difference(load(sums), goal);
    return e * e;
  });
}

template <class Sample>
inline void cell_errors_of(const Tile& tile, const Target& target, float* cells, int cell_stride) {
  for (int top = 0; top < tile.height; top += kCellSize, cells += cell_stride) {
    alignas(64) float columns[smartsplat::kTileSize] = {};
    const int bottom = top + kCellSize < tile.height ? top + kCellSize : tile.height;
    for (int c = 0; c < 3; ++c) {
      for (int y = top; y < bottom; ++y) {
        PaddedRow<Sample> row(tile, target, c, y);
        for (int x = 0; x < row.end; x += kLanes) {
          const vf e = clamp_unit(load(row.sums + x)) - load_goal(row.goal + x) * kToUnit;
          store(columns + x, load(columns + x) + e * e);
        }
      }
    }
    for (int x = 0; x < tile.width; ++x) cells[x / kCellSize] += columns[x];
  }
}

void cell_errors(const Tile& tile, const Target& target, float* cells, int cell_stride) {
  (target.wide ? cell_errors_of<uint16_t> : cell_errors_of<uint8_t>)(tile, target, cells, cell_stride);
}

#if defined(SMARTSPLAT_SHUFFLES)
typedef uint8_t bytes16 __attribute__((vector_size(16)));
#endif

// Rounds and packs a row of sums; `out` has room for kTileSize.
inline void pack_row(const float* row, uint8_t* out) {
#if defined(__AVX512F__)
  for (int x = 0; x < smartsplat::kTileSize; x += 16) {
    const __m512i wide = reinterpret_cast<__m512i>(to_bytes(load(row + x)));
    _mm_store_si128(reinterpret_cast<__m128i*>(out + x), _mm512_cvtepi32_epi8(wide));
  }
#elif defined(SMARTSPLAT_SHUFFLES)
  typedef int32_t wide16 __attribute__((vector_size(64)));
  for (int x = 0; x < smartsplat::kTileSize; x += 16) {
    vi parts[16 / kLanes];
    for (int i = 0; i < 16; i += kLanes) parts[i / kLanes] = to_bytes(load(row + x + i));
    wide16 wide;
    std::memcpy(&wide, parts, sizeof wide);
    const bytes16 packed = __builtin_convertvector(wide, bytes16);
    std::memcpy(out + x, &packed, sizeof packed);
  }
#else
  for (int x = 0; x < smartsplat::kTileSize; x += kLanes) {
    const vi wide = to_bytes(load(row + x));
    for (int i = 0; i < kLanes; ++i) out[x + i] = static_cast<uint8_t>(wide[i]);
  }
#endif
}

#if defined(__AVX2__)
// Sixteen pixels as 48 bytes: byte j of the result is channel j % 3 of pixel j / 3.
inline void interleave16(const uint8_t* const channels[3], int x, uint8_t* out) {
  alignas(16) static constexpr auto kOrders = [] {
    struct {
      int8_t order[3][3][16];  // [part of the result][channel]
    } table{};
    for (int part = 0; part < 3; ++part) {
      for (int c = 0; c < 3; ++c) {
        for (int i = 0; i < 16; ++i) {
          const int j = 16 * part + i;
          table.order[part][c][i] = static_cast<int8_t>(j % 3 == c ? j / 3 : -1);
        }
      }
    }
    return table;
  }();
  __m128i from[3];
  for (int c = 0; c < 3; ++c) from[c] = _mm_load_si128(reinterpret_cast<const __m128i*>(channels[c] + x));
  for (int part = 0; part < 3; ++part) {
    __m128i bytes = _mm_setzero_si128();
    for (int c = 0; c < 3; ++c) {
      const __m128i order = _mm_load_si128(reinterpret_cast<const __m128i*>(kOrders.order[part][c]));
      bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(from[c], order));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16 * part), bytes);
  }
}
#elif defined(SMARTSPLAT_SHUFFLES)
// A part of that, 16 bytes.
template <int kPart, int... kByte>
inline bytes16 weave(const bytes16 (&from)[3], std::integer_sequence<int, kByte...>) {
  constexpr auto pick = [](int byte, int channel, int otherwise) {
    const int j = 16 * kPart + byte;
    return j % 3 == channel ? 16 + j / 3 : otherwise;
  };
  const bytes16 two = __builtin_shufflevector(from[0], from[1], pick(kByte, 1, (16 * kPart + kByte) / 3)...);
  return __builtin_shufflevector(two, from[2], pick(kByte, 2, kByte)...);
}

// Sixteen pixels as 48 bytes: byte j of the result is channel j % 3 of pixel j / 3.
inline void interleave16(const uint8_t* const channels[3], int x, uint8_t* out) {
  bytes16 from[3];
  for (int c = 0; c < 3; ++c) std::memcpy(&from[c], channels[c] + x, sizeof(bytes16));
  constexpr auto all = std::make_integer_sequence<int, 16>();
  const bytes16 parts[3] = {weave<0>(from, all), weave<1>(from, all), weave<2>(from, all)};
  std::memcpy(out, parts, sizeof parts);
}
#endif

void to_bytes(const Tile& tile, uint8_t* rgb, size_t stride) {
  alignas(64) uint8_t bytes[3][smartsplat::kTileSize];
  const uint8_t* const channels[3] = {bytes[0], bytes[1], bytes[2]};
  for (int y = 0; y < tile.height; ++y, rgb += stride) {
    for (int c = 0; c < 3; ++c) pack_row(row_of(tile, c, y), bytes[c]);
    int x = 0;
#if defined(__AVX2__) || defined(SMARTSPLAT_SHUFFLES)
    for (; x + 16 <= tile.width; x += 16) interleave16(channels, x, rgb + 3 * x);
#endif
    for (; x < tile.width; ++x) {
      for (int c = 0; c < 3; ++c) rgb[3 * x + c] = channels[c][x];
    }
  }
}

void to_words(const Tile& tile, uint16_t* rgb, size_t stride) {
  alignas(64) int32_t words[3][smartsplat::kTileSize];
  for (int y = 0; y < tile.height; ++y, rgb += stride) {
    for (int c = 0; c < 3; ++c) {
      const float* const row = row_of(tile, c, y);
      for (int x = 0; x < tile.width; x += kLanes) *reinterpret_cast<vi*>(words[c] + x) = to_words(load(row + x));
    }
    for (int x = 0; x < tile.width; ++x) {
      for (int c = 0; c < 3; ++c) rgb[3 * x + c] = static_cast<uint16_t>(words[c][x]);
    }
  }
}

void to_floats(const Tile& tile, float* rgb, size_t stride) {
  for (int y = 0; y < tile.height; ++y, rgb += stride) {
    interleave<3>(tile.plane, static_cast<size_t>(y) * static_cast<size_t>(tile.stride), tile.width, rgb);
  }
}

void from_floats(const Tile& tile, const float* rgb, size_t stride) {
  for (int y = 0; y < tile.height; ++y, rgb += stride) {
    deinterleave<3>(rgb, tile.width, tile.plane, static_cast<size_t>(y) * static_cast<size_t>(tile.stride));
  }
}

}  // namespace
