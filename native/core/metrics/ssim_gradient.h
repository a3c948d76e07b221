// SSIM of two pictures with zeros beyond their borders ("same"), and its gradient by the first one.
#pragma once

#include <cstddef>

#include "common/parallel.h"

namespace smartsplat {

// The mean over all pixels and channels of pictures [height][width][channels] of values in [0, 1], under an 11-tap
// Gaussian window of sigma 1.5. The gradient has the pictures' shape. For float and double.
template <class Real>
double ssim_gradient(const Real* picture, const Real* target, size_t height, size_t width, size_t channels,
                     Real* gradient, const Parallel& parallel);

}  // namespace smartsplat
