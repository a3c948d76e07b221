// Vectors of floats of the width of the instruction set this file is compiled for. A double counts as a vector of one
// lane, so that loops written for any type of vector V compute in double precision, too.
//
// Everything here has internal linkage: the same source is compiled for several instruction sets, and a
// function shared between them could end up as code that the machine cannot run.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

// Whether bytes of 16 can be put into any order by one instruction that compilers find by themselves.
#if (defined(__wasm_simd128__) || defined(__ARM_NEON)) && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SMARTSPLAT_SHUFFLES
#include <utility>
#endif
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float vf __attribute__((vector_size(4 * kLanes)));
typedef int32_t vi __attribute__((vector_size(4 * kLanes)));
typedef uint32_t vu __attribute__((vector_size(4 * kLanes)));

template <class Real>
using VectorOf = std::conditional_t<std::is_same_v<Real, float>, vf, double>;
template <class V>
using RealOf = std::conditional_t<std::is_same_v<V, vf>, float, double>;
template <class V>
constexpr int kLanesOf = std::is_same_v<V, vf> ? kLanes : 1;

inline vf splat(float value) { return vf{} + value; }

template <class V>
inline V broadcast(RealOf<V> value) {
  return V{} + value;
}

inline vf lane_numbers() {
  vf result;
  for (int i = 0; i < kLanes; ++i) result[i] = static_cast<float>(i);
  return result;
}

template <class V>
inline V lane_numbers_of() {
  if constexpr (std::is_same_v<V, vf>) {
    return lane_numbers();
  } else {
    return 0;
  }
}

inline vf load(const float* p) { return *reinterpret_cast<const vf*>(p); }
inline double load(const double* p) { return *p; }
inline vf load_unaligned(const float* p) {
  vf value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// The first ones of a vector, fewer than kLanes, without a look at what follows; zeros behind them.
inline vf load_first(const float* p, int count) {
#if defined(__AVX512F__)
  return reinterpret_cast<vf>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p));
#else
  vf value = {};
  for (int i = 0; i < count; ++i) value[i] = p[i];
  return value;
#endif
}

inline void store(float* p, vf value) { *reinterpret_cast<vf*>(p) = value; }
inline void store(double* p, double value) { *p = value; }
inline void store_unaligned(float* p, vf value) { std::memcpy(p, &value, sizeof value); }

// The integers towards zero.
inline void store_ints(int32_t* p, vf value) { *reinterpret_cast<vi*>(p) = __builtin_convertvector(value, vi); }
inline void store_ints(int32_t* p, double value) { *p = static_cast<int32_t>(value); }

inline vf load_bytes(const uint8_t* p) {
#if defined(__AVX512F__)
  const __m128i value = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return reinterpret_cast<vf>(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(value)));
#elif defined(__AVX2__)
  const __m128i value = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return reinterpret_cast<vf>(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(value)));
#else
  typedef uint8_t bytes __attribute__((vector_size(kLanes)));
  bytes value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_convertvector(__builtin_convertvector(value, vi), vf);
#endif
}

inline vf load_words(const uint16_t* p) {
  typedef uint16_t words __attribute__((vector_size(2 * kLanes)));
  words value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_convertvector(__builtin_convertvector(value, vi), vf);
}

// value where the mask is set, else 0.
inline vf where(vi mask, vf value) { return reinterpret_cast<vf>(reinterpret_cast<vi>(value) & mask); }
inline double where(bool mask, double value) { return mask ? value : 0; }

inline vf choose(vi mask, vf yes, vf no) {
  return reinterpret_cast<vf>((reinterpret_cast<vi>(yes) & mask) | (reinterpret_cast<vi>(no) & ~mask));
}

inline double choose(bool mask, double yes, double no) { return mask ? yes : no; }

// The second one where one of them is NaN.
inline vf least(vf a, vf b) {
#if defined(__AVX512F__)
  return reinterpret_cast<vf>(_mm512_min_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<vf>(_mm256_min_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#elif defined(__wasm_simd128__)
  return __builtin_wasm_pmin_f32x4(b, a);
#else
  return choose(a < b, a, b);
#endif
}
inline vf greatest(vf a, vf b) {
#if defined(__AVX512F__)
  return reinterpret_cast<vf>(_mm512_max_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<vf>(_mm256_max_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#elif defined(__wasm_simd128__)
  return __builtin_wasm_pmax_f32x4(b, a);
#else
  return choose(a > b, a, b);
#endif
}
inline double least(double a, double b) { return a < b ? a : b; }
inline double greatest(double a, double b) { return a > b ? a : b; }
inline vf clamp_unit(vf value) { return least(greatest(value, splat(0)), splat(1)); }

inline vf square_root(vf value) {
#if defined(__AVX512F__)
  return reinterpret_cast<vf>(_mm512_sqrt_ps(reinterpret_cast<__m512>(value)));
#elif defined(__AVX2__)
  return reinterpret_cast<vf>(_mm256_sqrt_ps(reinterpret_cast<__m256>(value)));
#else
  for (int i = 0; i < kLanes; ++i) value[i] = __builtin_sqrtf(value[i]);
  return value;
#endif
}

// Whether a mask is set in any lane.
inline bool any_of(vi mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps(reinterpret_cast<__m256>(mask)) != 0;
#else
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= mask[i];
  return any != 0;
#endif
}
inline bool any_of(bool mask) { return mask; }

// Whether a > b in any lane.
inline bool any_greater(vf a, vf b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), _CMP_GT_OQ) != 0;
#else
  return any_of(a > b);
#endif
}
inline bool any_greater(double a, double b) { return a > b; }

inline double square_root(double value) { return std::sqrt(value); }

inline double sum(double value) { return value; }
inline float sum(vf value) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps(reinterpret_cast<__m512>(value));
#else
  float total = 0;
  for (int i = 0; i < kLanes; ++i) total += value[i];
  return total;
#endif
}

#if defined(__AVX512F__)
// The sums of eight vectors: each step adds halves, quarters, ... of two of them side by side.
inline __m256 sums_of_eight(const vf* v) {
  const auto at = [v](int i) { return reinterpret_cast<__m512>(v[i]); };
  const auto halves = [](__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
  };
  const auto quarters = [](__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
  };
  const __m512 first = quarters(halves(at(0), at(1)), halves(at(2), at(3)));
  const __m512 second = quarters(halves(at(4), at(5)), halves(at(6), at(7)));
  const __m512 pairs = _mm512_add_ps(_mm512_shuffle_ps(first, second, 0x44), _mm512_shuffle_ps(first, second, 0xEE));
  const __m512 sums = _mm512_add_ps(pairs, _mm512_shuffle_ps(pairs, pairs, 0xB1));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_castps512_ps256(_mm512_permutexvar_ps(order, sums));
}
#endif

// The sum of each of several vectors; not in the order in which sum() adds.
template <int kCount>
inline void sums_of(const vf (&vectors)[kCount], float* out) {
  int i = 0;
#if defined(__AVX512F__)
  for (; i + 8 <= kCount; i += 8) _mm256_storeu_ps(out + i, sums_of_eight(vectors + i));
#endif
  for (; i < kCount; ++i) out[i] = sum(vectors[i]);
}
template <int kCount>
inline void sums_of(const double (&numbers)[kCount], double* out) {
  for (int i = 0; i < kCount; ++i) out[i] = numbers[i];
}

// value where it is at least limit, else 0 (also where it is NaN).
inline vf keep_from(vf value, vf limit) {
#if defined(__AVX512F__)
  const __m512 v = reinterpret_cast<__m512>(value);
  return reinterpret_cast<vf>(
      _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, reinterpret_cast<__m512>(limit), _CMP_GE_OQ), v));
#else
  return where(value >= limit, value);
#endif
}

inline double keep_from(double value, double limit) { return value >= limit ? value : 0; }

inline double exp2(double x) { return std::exp2(x); }

// 2^x by a minimax polynomial of degree 5: relative error below 1e-7 plus rounding. 0 below 2^-126; x < 128.
inline vf exp2(vf x) {
#if defined(__AVX512F__)
  const __m512 t = reinterpret_cast<__m512>(x);
  const vf f = reinterpret_cast<vf>(_mm512_reduce_ps(t, 0x01));  // x - floor(x)
  const vf p =
      0.9999999251f +
      f * (0.6931530732f + f * (0.2401536170f + f * (0.05582631805f + f * (0.008989340095f + f * 0.001877576673f))));
  return reinterpret_cast<vf>(_mm512_scalef_ps(reinterpret_cast<__m512>(p), t));
#else
  const vf magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const vf low = splat(-126.0f), high = splat(127.0f);
  const vf clamped = choose(x < high, x, high);
  const vf n = (clamped + magic) - magic;
  const vf f = clamped - n;
  const vf p =
      1.000000072f +
      f * (0.6931469671f + f * (0.2402211972f + f * (0.05550713274f + f * (0.009675541334f + f * 0.001327647198f))));
  // Unsigned, for it overflows in lanes below `low`.
  const vu exponent = reinterpret_cast<vu>(__builtin_convertvector(n, vi)) << 23;
  return where(x >= low, reinterpret_cast<vf>(reinterpret_cast<vu>(p) + exponent));
#endif
}

}  // namespace
