// Rows of pixels dealt to the lanes of vectors: lane k has the k-th of kLanes stretches of the row, so the neighbour
// of a pixel is in the same lane of the next vector. A window along the row is then a window over whole vectors.
#pragma once

#include "common/simd.h"

namespace {

// Transposes the 4 x 4 values that the same four lanes of four vectors hold.
inline void transpose_quads(vf (&v)[4]) {
#if defined(__AVX512F__)
  const __m512 a = reinterpret_cast<__m512>(v[0]), b = reinterpret_cast<__m512>(v[1]);
  const __m512 c = reinterpret_cast<__m512>(v[2]), d = reinterpret_cast<__m512>(v[3]);
  const __m512d ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b)), cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
  const __m512d high_ab = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
  const __m512d high_cd = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
  v[0] = reinterpret_cast<vf>(_mm512_unpacklo_pd(ab, cd));
  v[1] = reinterpret_cast<vf>(_mm512_unpackhi_pd(ab, cd));
  v[2] = reinterpret_cast<vf>(_mm512_unpacklo_pd(high_ab, high_cd));
  v[3] = reinterpret_cast<vf>(_mm512_unpackhi_pd(high_ab, high_cd));
#elif defined(__AVX2__)
  const __m256 a = reinterpret_cast<__m256>(v[0]), b = reinterpret_cast<__m256>(v[1]);
  const __m256 c = reinterpret_cast<__m256>(v[2]), d = reinterpret_cast<__m256>(v[3]);
  const __m256d ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b)), cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
  const __m256d high_ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
  const __m256d high_cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
  v[0] = reinterpret_cast<vf>(_mm256_unpacklo_pd(ab, cd));
  v[1] = reinterpret_cast<vf>(_mm256_unpackhi_pd(ab, cd));
  v[2] = reinterpret_cast<vf>(_mm256_unpacklo_pd(high_ab, high_cd));
  v[3] = reinterpret_cast<vf>(_mm256_unpackhi_pd(high_ab, high_cd));
#else
  for (int i = 0; i < 4; ++i) {
    for (int k = 0; k < i; ++k) {
      const float value = v[i][k];
      v[i][k] = v[k][i];
      v[k][i] = value;
    }
  }
#endif
}

// Sixteen bytes from each of kLanes / 4 places, `step` bytes apart.
inline vf load_quads(const void* from, ptrdiff_t step) {
#if defined(__AVX2__)
  const char* const p = static_cast<const char*>(from);
  const auto quad = [=](int k) {
    return _mm_castsi128_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + k * step)));
  };
#endif
#if defined(__AVX512F__)
  __m512 v = _mm512_castps128_ps512(quad(0));
  v = _mm512_insertf32x4(v, quad(1), 1);
  v = _mm512_insertf32x4(v, quad(2), 2);
  return reinterpret_cast<vf>(_mm512_insertf32x4(v, quad(3), 3));
#elif defined(__AVX2__)
  return reinterpret_cast<vf>(_mm256_insertf128_ps(_mm256_castps128_ps256(quad(0)), quad(1), 1));
#else
  (void)step;
  vf v;
  std::memcpy(&v, from, sizeof v);
  return v;
#endif
}

// The same backwards; `step` in floats.
inline void store_quads(float* to, ptrdiff_t step, vf v) {
#if defined(__AVX512F__)
  const __m512 value = reinterpret_cast<__m512>(v);
  _mm_storeu_ps(to, _mm512_castps512_ps128(value));
  _mm_storeu_ps(to + step, _mm512_extractf32x4_ps(value, 1));
  _mm_storeu_ps(to + 2 * step, _mm512_extractf32x4_ps(value, 2));
  _mm_storeu_ps(to + 3 * step, _mm512_extractf32x4_ps(value, 3));
#elif defined(__AVX2__)
  const __m256 value = reinterpret_cast<__m256>(v);
  _mm_storeu_ps(to, _mm256_castps256_ps128(value));
  _mm_storeu_ps(to + step, _mm256_extractf128_ps(value, 1));
#else
  (void)step;
  std::memcpy(to, &v, sizeof v);
#endif
}

// Calls take(i, vector) for the `length` vectors, 4 or more, of a row; some of them twice.
template <class Take>
inline void deal(const float* row, int length, Take take) {
  for (int i = 0; i < length; i += 4) {
    const int first = i + 4 <= length ? i : length - 4;
    vf v[4];
    for (int k = 0; k < 4; ++k) {
      v[k] = load_quads(row + k * length + first, 4 * static_cast<ptrdiff_t>(sizeof(float)) * length);
    }
    transpose_quads(v);
    for (int k = 0; k < 4; ++k) take(first + k, v[k]);
  }
}

// The same for a row of bytes; 15 bytes after its end are read.
template <class Take>
inline void deal_bytes(const uint8_t* row, int length, Take take) {
  for (int i = 0; i < length; i += 16) {
    vf v[4];
    for (int k = 0; k < 4; ++k) v[k] = load_quads(row + k * length + i, 4 * length);
    transpose_quads(v);
    for (int k = 0; k < 4; ++k) {  // each lane has four neighbours now
      const vi word = reinterpret_cast<vi>(v[k]);
      for (int byte = 0; byte < 4 && i + 4 * k + byte < length; ++byte) {
        take(i + 4 * k + byte, __builtin_convertvector((word >> (8 * byte)) & 255, vf));
      }
    }
  }
}

// Puts the vectors of a dealt row in the order of its pixels.
inline void collect(const float* dealt, int length, float* row) {
  for (int i = 0; i < length; i += 4) {
    const int first = i + 4 <= length ? i : length - 4;
    vf v[4];
    for (int k = 0; k < 4; ++k) v[k] = load(dealt + (first + k) * kLanes);
    transpose_quads(v);
    for (int k = 0; k < 4; ++k) store_quads(row + k * length + first, 4 * length, v[k]);
  }
}

// The last column of every stretch seen from the next one: each lane gets its left neighbour's value, the first one 0.
inline vf from_left(vf v) {
#if defined(__AVX512F__)
  return reinterpret_cast<vf>(_mm512_alignr_epi32(reinterpret_cast<__m512i>(v), _mm512_setzero_si512(), 15));
#elif defined(__AVX2__)
  const __m256i order = _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6);
  const __m256 moved = _mm256_permutevar8x32_ps(reinterpret_cast<__m256>(v), order);
  return reinterpret_cast<vf>(_mm256_blend_ps(moved, _mm256_setzero_ps(), 1));
#else
  return vf{0, v[0], v[1], v[2]};
#endif
}

// Likewise from the right.
inline vf from_right(vf v) {
#if defined(__AVX512F__)
  return reinterpret_cast<vf>(_mm512_alignr_epi32(_mm512_setzero_si512(), reinterpret_cast<__m512i>(v), 1));
#elif defined(__AVX2__)
  const __m256i order = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 7);
  const __m256 moved = _mm256_permutevar8x32_ps(reinterpret_cast<__m256>(v), order);
  return reinterpret_cast<vf>(_mm256_blend_ps(moved, _mm256_setzero_ps(), 128));
#else
  return vf{v[1], v[2], v[3], 0};
#endif
}

// Fills the `margin` vectors before and after the `length` vectors of a row: what is beyond each stretch there.
inline void fill_margins(float* row, int length, int margin) {
  for (int k = 0; k < margin; ++k) {
    store(row + k * kLanes, from_left(load(row + (length + k) * kLanes)));
    store(row + (margin + length + k) * kLanes, from_right(load(row + (margin + k) * kLanes)));
  }
}

}  // namespace
