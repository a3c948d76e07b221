// From the covariance of a splat to what the pixel kernels know of it.
#pragma once

#include "rendering/pixel_splat.h"

namespace smartsplat {

constexpr float kGreatestVariance = 1e36f;  // px^2; what is made of it stays within single precision

// In px^2 of the view. The determinant is given, since it cannot be computed from the others where a splat is thin.
struct Covariance {
  double xx, xy, yy, determinant;
};

// Everything of an outline but its centre; the weight is cut off at the squared Mahalanobis distance `support`.
template <class Real>
void outline(const Covariance& covariance, Real support, Outline<Real>& out);

}  // namespace smartsplat
