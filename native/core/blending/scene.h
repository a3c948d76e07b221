// Gaussians placed in a picture of any number of channels.
#pragma once

#include "blending/gaussians.h"
#include "blending/kernels/table.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "rendering/bins.h"

namespace smartsplat {

struct BlendSpec {
  int width, height;  // px; may be 0
  Blend blend;
  int k;  // of kStrongest, at least 1
};

// Immutable. The Gaussians' arrays must live as long, and stay as they are.
template <class Real>
class Scene {
 public:
  Scene(const Gaussians<Real>& gaussians, const BlendSpec& spec, const Parallel& parallel);

  // picture[height][width][channels]
  void draw(Real* picture, const Parallel& parallel) const;

  // The gradients by all parameters of <picture, cotangent>.
  void vjp(const Samples<const Real>& cotangent, const GaussianGradients<Real>& gradients,
           const Parallel& parallel) const;

 private:
  BlendList<Real> list(size_t tile) const;

  Gaussians<Real> gaussians_;
  BlendSpec spec_;
  TileGrid grid_;
  Buffer<PlacedSplat<Real>> splats_;
  Bins bins_;
};

}  // namespace smartsplat
