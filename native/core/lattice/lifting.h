// The steps of one level of the wavelet transform, on lines of even and odd samples apart.
//
// Everything here has internal linkage, for it is compiled for several instruction sets; see common/simd.h.
#pragma once

#include <cstddef>
#include <cstring>

#include "common/simd.h"
#include "format/format.h"

namespace smartsplat {
namespace {

constexpr int kLiftingMargin = 2;  // neighbours beyond the ends of a half that a step looks at
constexpr int kLiftingSlack = 16;
static_assert(kLiftingSlack >= kLanes);

// A place among n samples, at least two, for any place: they go on beyond the first and the last as in a mirror.
[[maybe_unused]] int mirrored(int place, int n) {
  while (place < 0 || place >= n) place = place < 0 ? -place : 2 * (n - 1) - place;
  return place;
}

// The halves of n samples, at least two, or of as many lines as are transformed together: each sample is `width`
// floats. Before and behind both there is room for kLiftingMargin samples, and behind for kLiftingSlack floats more,
// whatever stands there: whole vectors are worked on.
struct Halves {
  float *low, *high;
  int n;
  ptrdiff_t width;

  int count(bool odd) const { return odd ? n / 2 : (n + 1) / 2; }

  // Adds to every sample of one half its neighbours of the other one times their factors, all of them times `sign`.
  void lift(bool odd, const LiftingStep& step, float sign) const {
    float* const others = odd ? low : high;
    extend(others, !odd);
    const float near = sign * step.near, far = sign * step.far;
    float* __restrict const here = odd ? high : low;
    const float* __restrict const before = others - (odd ? 0 : width);
    const ptrdiff_t size = count(odd) * width;
    for (ptrdiff_t k = 0; k < size; k += kLanes) {
      const auto at = [&](ptrdiff_t away) { return load_unaligned(before + k + away * width); };
      store_unaligned(here + k, load_unaligned(here + k) + (near * (at(0) + at(1)) + far * (at(-1) + at(2))));
    }
  }

 private:
  void extend(float* half, bool odd) const {
    const int size = count(odd);
    for (int away = 1; away <= kLiftingMargin; ++away) {
      for (const int at : {-away, size - 1 + away}) {
        std::memcpy(half + at * width, half + mirrored(2 * at + odd, n) / 2 * width,
                    sizeof(float) * static_cast<size_t>(width));
      }
    }
  }
};

}  // namespace
}  // namespace smartsplat
