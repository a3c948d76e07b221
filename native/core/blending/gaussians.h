// Gaussians as tensors of their parameters, and what the kernels and the chain rule make of them.
#pragma once

#include <cstddef>

#include "common/memory.h"
#include "common/parallel.h"
#include "rendering/pixel_splat.h"

namespace smartsplat {

// How splats make a pixel, w being their weights there (Gaussian functions) and o their opacities.
enum class Blend {
  kSum,        // sum of o w colour
  kOver,       // alpha compositing with alpha = o w; the first splat is in front
  kStrongest,  // mean of the colours of the k greatest o w, weighted by them
};

// Arrays that somebody else owns, a row for each splat: means [2] in px (pixel centres at integer + 0.5), and either
// scales [2] in px and angles, or conics [3], the entries xx, xy, yy of the inverse covariance; colours [channels];
// opacities may be null, which is 1.
template <class Real>
struct Gaussians {
  const Real *means, *scales, *angles, *conics, *colours, *opacities;
  size_t count;
  int channels;
};

// Gradients by those that are there, of the same shapes.
template <class Real>
struct GaussianGradients {
  Real *means, *scales, *angles, *conics, *colours, *opacities;
};

// Where they lie among pixels. One that cannot be drawn (a number that is not finite, a covariance that is not
// positive definite) gets no extent.
template <class Real>
Buffer<PlacedSplat<Real>> placed(const Gaussians<Real>& gaussians, Blend blend, const Parallel& parallel);

// The gradients of splat i from its moments (see Moment) and the sums of its channels.
template <class Real>
void chain_rule(const Gaussians<Real>& gaussians, Blend blend, size_t i, const double* moments, const double* channels,
                const GaussianGradients<Real>& gradients);

// Zeros, for one that cannot be drawn.
template <class Real>
void no_gradient(const Gaussians<Real>& gaussians, size_t i, const GaussianGradients<Real>& gradients);

}  // namespace smartsplat
