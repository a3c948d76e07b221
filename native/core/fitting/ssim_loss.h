// The paper's loss, Eq. 22: the SSIM of a pixel depends on its neighbours, so it is not a sum over tiles.
#pragma once

#include "common/parallel.h"
#include "rendering/frame.h"

namespace smartsplat {

// lambda_l times the mean absolute error and 1 - lambda_l times 1 - SSIM. The sums of its gradient that every pair of
// splat and tile gathers go to `slots`.
double ssim_loss(const Frame& frame, const Target& target, float lambda_l, float* slots, const Parallel& parallel);

}  // namespace smartsplat
