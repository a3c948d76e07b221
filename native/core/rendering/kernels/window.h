// Means under the window of SSIM, a Gaussian of sigma 1.5.
#pragma once

#include <utility>

#include "common/simd.h"
#include "rendering/band.h"

namespace {

using smartsplat::kSsimRadius;

constexpr int kTaps = 2 * kSsimRadius + 1;
constexpr float kWindow[kTaps] = {0.00102838012f, 0.00759875821f, 0.0360007733f, 0.109360687f,
                                  0.213005543f,   0.266011715f,   0.213005543f,  0.109360687f,
                                  0.0360007733f,  0.00759875821f, 0.00102838012f};

// Adds value number `At` to the mean over the values from number `First` on.
template <int At, int First>
inline void add_tap(vf value, vf& mean) {
  if constexpr (At == First) mean = kWindow[0] * value;
  if constexpr (At > First && At - First < kTaps) mean += kWindow[At - First] * value;
}

template <int At, int... First>
inline void add_taps(vf value, vf* means, std::integer_sequence<int, First...>) {
  (add_tap<At, First>(value, means[First]), ...);
}

template <class From, class To, int... At, int... First>
inline void window_means(From from, To to, std::integer_sequence<int, At...>,
                         std::integer_sequence<int, First...> firsts) {
  vf means[sizeof...(First)];
  (add_taps<At>(load(from(At)), means, firsts), ...);
  (store(to(First), means[First]), ...);
}

// *to(k) = the mean of *from(k) to *from(k + 10), for `kCount` values of k. Every value is loaded once; the means
// stay in registers, which is why all loops are unrolled.
template <int kCount, class From, class To>
inline void window_means(From from, To to) {
  window_means(from, to, std::make_integer_sequence<int, kCount + kTaps - 1>{},
               std::make_integer_sequence<int, kCount>{});
}

}  // namespace
