// Planes of a tile from and to pictures whose channels lie side by side.
#pragma once

#include "common/simd.h"
#include "rendering/pixel_splat.h"

namespace {

#if defined(__AVX512F__)
// For vector k of C interleaved ones and for each channel, which lanes of it come from that channel and of which pixel.
template <int C>
struct Weave {
  alignas(64) int32_t to[C][C][16];  // [vector][channel]: 16 + pixel where the lane is the channel's, else the lane
  alignas(
      64) int32_t from[C][C][16];  // [channel][vector]: 16 + lane where the pixel's sample lies there, else the lane
};
template <int C>
constexpr Weave<C> weave() {
  Weave<C> table{};
  for (int k = 0; k < C; ++k) {
    for (int c = 0; c < C; ++c) {
      for (int i = 0; i < 16; ++i) {
        const int sample = 16 * k + i, place = C * i + c;
        table.to[k][c][i] = sample % C == c ? 16 + sample / C : i;
        table.from[c][k][i] = place / 16 == k ? 16 + place % 16 : i;
      }
    }
  }
  return table;
}
template <int C>
inline constexpr Weave<C> kWeave = weave<C>();

inline __m512 pick(const __m512* vectors, const int32_t (*lanes)[16], int count) {
  __m512 result = _mm512_setzero_ps();
  for (int k = 0; k < count; ++k) {
    result = _mm512_permutex2var_ps(result, _mm512_load_si512(lanes[k]), vectors[k]);
  }
  return result;
}
#endif

// A row of `count` pixels.
template <int C>
inline void interleave(const float* const* planes, size_t at, int count, float* out) {
  int x = 0;
#if defined(__AVX512F__)
  for (; x + 16 <= count; x += 16) {
    __m512 channels[C];
    for (int c = 0; c < C; ++c) channels[c] = _mm512_load_ps(planes[c] + at + x);
    for (int k = 0; k < C; ++k) _mm512_storeu_ps(out + C * x + 16 * k, pick(channels, kWeave<C>.to[k], C));
  }
#endif
  for (; x < count; ++x) {
    for (int c = 0; c < C; ++c) out[C * x + c] = planes[c][at + static_cast<size_t>(x)];
  }
}

template <int C>
inline void deinterleave(const float* in, int count, float* const* planes, size_t at) {
  int x = 0;
#if defined(__AVX512F__)
  for (; x + 16 <= count; x += 16) {
    __m512 vectors[C];
    for (int k = 0; k < C; ++k) vectors[k] = _mm512_loadu_ps(in + C * x + 16 * k);
    for (int c = 0; c < C; ++c) _mm512_store_ps(planes[c] + at + x, pick(vectors, kWeave<C>.from[c], C));
  }
#endif
  for (; x < count; ++x) {
    for (int c = 0; c < C; ++c) planes[c][at + static_cast<size_t>(x)] = in[C * x + c];
  }
}

}  // namespace
