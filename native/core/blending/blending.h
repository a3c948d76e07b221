// Pictures of any number of channels from Gaussians, and the products of cotangents with their Jacobians.
#pragma once

#include "blending/gaussians.h"
#include "blending/kernels/table.h"
#include "common/parallel.h"

namespace smartsplat {

struct BlendSpec {
  int width, height;  // px; may be 0
  Blend blend;
  int k;  // of kStrongest, at least 1
};

// picture[height][width][channels]
template <class Real>
void blend_picture(const Gaussians<Real>& gaussians, const BlendSpec& spec, Real* picture, const Parallel& parallel);

// The gradients by all parameters of <picture, cotangent>.
template <class Real>
void blend_vjp(const Gaussians<Real>& gaussians, const BlendSpec& spec, const Samples<const Real>& cotangent,
               const GaussianGradients<Real>& gradients, const Parallel& parallel);

}  // namespace smartsplat
