// Losses of two pictures in memory and their gradients by the first one. For float and double.
#pragma once

#include <cstddef>

#include "common/parallel.h"
#include "rendering/band.h"

namespace smartsplat {

// Pictures [height][width][channels], and the gradient, which has their shape.
template <class Real>
struct LossPictures {
  const Real *picture, *target;
  Real* gradient;
  size_t height, width, channels;
};

// weights.absolute times the mean absolute error plus weights.ssim times the mean SSIM with zeros beyond the borders
// ("same"), under an 11-tap Gaussian window of sigma 1.5; `clamped`: of the picture clamped to [0, 1]. Returns the two
// means.
template <class Real>
SsimTerms similarity_loss(const LossPictures<Real>& pictures, const SsimTerms& weights, bool clamped,
                          const Parallel& parallel);

// The mean squared error of the picture clamped to [low, high].
template <class Real>
double squared_loss(const LossPictures<Real>& pictures, Real low, Real high, const Parallel& parallel);

}  // namespace smartsplat
