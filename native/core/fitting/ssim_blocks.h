// The blocks that the kernels for SSIM work on.
#pragma once

#include <vector>

#include "rendering/band.h"

namespace smartsplat {

// Those of rows of pixels, in all channels.
std::vector<SsimBlock> ssim_blocks(int width, int top, int bottom, int channels);

// What a kernel works in; a thread is in one block at a time.
float* ssim_scratch();

}  // namespace smartsplat
