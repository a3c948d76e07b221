#include "blending/gaussians.h"

#include <algorithm>
#include <cmath>

#include "blending/kernels/table.h"
#include "rendering/outline.h"
#include "rendering/slots.h"

namespace smartsplat {
namespace {

struct Turn {
  double cosine, sine;
};

template <class Real>
Turn turn_of(const Gaussians<Real>& g, size_t i) {
  return {std::cos(g.angles[i]), std::sin(g.angles[i])};
}

template <class Real>
Covariance covariance_of(const Gaussians<Real>& g, size_t i) {
  if (g.conics) {
    const double a = g.conics[3 * i], b = g.conics[3 * i + 1], c = g.conics[3 * i + 2];
    const double one = 1 / (a * c - b * b);
    return {c * one, -b * one, a * one, one};
  }
  const double sx = g.scales[2 * i], sy = g.scales[2 * i + 1], v0 = sx * sx, v1 = sy * sy;
  const auto [c, s] = turn_of(g, i);
  return {c * c * v0 + s * s * v1, c * s * (v0 - v1), s * s * v0 + c * c * v1, v0 * v1};
}

template <class Real>
bool all_finite(const Real* numbers, int count) {
  return std::all_of(numbers, numbers + count, [](Real number) { return std::isfinite(number); });
}

// Squared Mahalanobis distance up to which splat i counts; not positive if it counts nowhere.
template <class Real>
Real support_of(const Gaussians<Real>& g, Blend blend, size_t i) {
  if (blend != Blend::kStrongest) return static_cast<Real>(kSupportRadius2);
  const double opacity = g.opacities ? static_cast<double>(g.opacities[i]) : 1;
  return opacity > 0 ? static_cast<Real>(2 * std::log(opacity / kLeastStrength)) : 0;
}

template <class Real>
bool place(const Gaussians<Real>& g, Blend blend, size_t i, PlacedSplat<Real>& out) {
  const Covariance covariance = covariance_of(g, i);
  if (!(covariance.xx > 0 && covariance.yy > 0 && covariance.determinant > 0)) return false;
  if (!(std::max(covariance.xx, covariance.yy) < kGreatestVariance)) return false;
  if (!all_finite(g.colours + i * static_cast<size_t>(g.channels), g.channels)) return false;
  if (g.opacities && !std::isfinite(g.opacities[i])) return false;
  const Real support = support_of(g, blend, i);
  if (!(support > 0)) return false;
  out.x = g.means[2 * i] - Real(0.5);
  out.y = g.means[2 * i + 1] - Real(0.5);
  const Real opacity = g.opacities ? g.opacities[i] : 1;
  out.strength = blend == Blend::kStrongest ? std::log2(opacity) : opacity;
  outline<Real>(covariance, support, out);
  const Real numbers[] = {out.x, out.y, out.ridge, out.yy, out.slope, out.bend};
  return all_finite(numbers, 6);
}

// Gradients by centre and shape, from the moments times `factor`. They are of y = dy - slope dx, so that nothing that
// counts is the difference of large numbers; slope is -b / c.
template <class Real>
void chain_conic(const Gaussians<Real>& g, size_t i, const double* m, double factor,
                 const GaussianGradients<Real>& to) {
  const double a = g.conics[3 * i], b = g.conics[3 * i + 1], c = g.conics[3 * i + 2], slope = -b / c;
  const double xx = m[kMomentXX], xy = m[kMomentXY] + slope * xx, yy = m[kMomentYY] + slope * (m[kMomentXY] + xy);
  to.means[2 * i] = static_cast<Real>(factor * ((a + b * slope) * m[kMomentX] + b * m[kMomentY]));
  to.means[2 * i + 1] = static_cast<Real>(factor * c * m[kMomentY]);
  to.conics[3 * i] = static_cast<Real>(-0.5 * factor * xx);
  to.conics[3 * i + 1] = static_cast<Real>(-factor * xy);
  to.conics[3 * i + 2] = static_cast<Real>(-0.5 * factor * yy);
}

template <class Real>
void chain_axes(const Gaussians<Real>& g, size_t i, const double* m, double factor, const GaussianGradients<Real>& to) {
  const auto [c, s] = turn_of(g, i);
  const double sx = g.scales[2 * i], sy = g.scales[2 * i + 1], v0 = sx * sx, v1 = sy * sy;
  // Along the axes an offset is u = p dx + s y and v = q dx + c y.
  const double one_xx = 1 / (c * c * v0 + s * s * v1), p = c * v0 * one_xx, q = -s * v1 * one_xx;
  const double xx = factor * m[kMomentXX], xy = factor * m[kMomentXY], yy = factor * m[kMomentYY];
  const double uu = p * p * xx + 2 * p * s * xy + s * s * yy, vv = q * q * xx + 2 * q * c * xy + c * c * yy;
  const double uv = p * q * xx + (p * c + q * s) * xy + s * c * yy;
  const double u = factor * (p * m[kMomentX] + s * m[kMomentY]) / v0;
  const double v = factor * (q * m[kMomentX] + c * m[kMomentY]) / v1;
  to.means[2 * i] = static_cast<Real>(c * u - s * v);
  to.means[2 * i + 1] = static_cast<Real>(s * u + c * v);
  to.scales[2 * i] = static_cast<Real>(uu / (v0 * sx));
  to.scales[2 * i + 1] = static_cast<Real>(vv / (v1 * sy));
  to.angles[i] = static_cast<Real>((v0 - v1) / (v0 * v1) * uv);
}

}  // namespace

template <class Real>
Buffer<PlacedSplat<Real>> placed(const Gaussians<Real>& gaussians, Blend blend, const Parallel& parallel) {
  Buffer<PlacedSplat<Real>> splats(gaussians.count);
  for_splats(gaussians.count, parallel, [&](size_t i) {
    if (!place(gaussians, blend, i, splats[i])) {
      splats[i] = {};
      splats[i].x_extent = -1;
    }
  });
  return splats;
}

template <class Real>
void chain_rule(const Gaussians<Real>& g, Blend blend, size_t i, const double* moments, const double* channels,
                const GaussianGradients<Real>& to) {
  const double strength = g.opacities ? static_cast<double>(g.opacities[i]) : 1;
  const double opacity = blend == Blend::kStrongest ? 1 : strength;  // there the sums have it in them
  g.conics ? chain_conic(g, i, moments, opacity, to) : chain_axes(g, i, moments, opacity, to);
  const size_t first = i * static_cast<size_t>(g.channels);
  for (size_t c = 0; c < static_cast<size_t>(g.channels); ++c) {
    to.colours[first + c] = static_cast<Real>(opacity * channels[c]);
  }
  const double one = moments[kMomentOne];
  if (to.opacities) to.opacities[i] = static_cast<Real>(blend == Blend::kStrongest ? one / strength : one);
}

template <class Real>
void no_gradient(const Gaussians<Real>& g, size_t i, const GaussianGradients<Real>& to) {
  const size_t channels = static_cast<size_t>(g.channels);
  std::fill_n(to.means + 2 * i, 2, Real(0));
  std::fill_n(to.colours + i * channels, channels, Real(0));
  if (to.scales) std::fill_n(to.scales + 2 * i, 2, Real(0));
  if (to.angles) to.angles[i] = 0;
  if (to.conics) std::fill_n(to.conics + 3 * i, 3, Real(0));
  if (to.opacities) to.opacities[i] = 0;
}

template Buffer<PlacedSplat<float>> placed(const Gaussians<float>&, Blend, const Parallel&);
template Buffer<PlacedSplat<double>> placed(const Gaussians<double>&, Blend, const Parallel&);
template void chain_rule(const Gaussians<float>&, Blend, size_t, const double*, const double*,
                         const GaussianGradients<float>&);
template void chain_rule(const Gaussians<double>&, Blend, size_t, const double*, const double*,
                         const GaussianGradients<double>&);
template void no_gradient(const Gaussians<float>&, size_t, const GaussianGradients<float>&);
template void no_gradient(const Gaussians<double>&, size_t, const GaussianGradients<double>&);

}  // namespace smartsplat
