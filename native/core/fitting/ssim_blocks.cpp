#include "fitting/ssim_blocks.h"

#include <algorithm>

#include "common/memory.h"

namespace smartsplat {
namespace {

constexpr int kBlockHeight = 256;  // px at most

int parts_of(int length, int most) { return (length + most - 1) / most; }

}  // namespace

std::vector<SsimBlock> ssim_blocks(int width, int top, int bottom, int channels) {
  const int columns = width <= kSsimColumns ? 1 : parts_of(width, kSsimBlockWidth);
  const int block_width = columns == 1 ? width : parts_of(parts_of(width, columns), kTileSize) * kTileSize;
  const int block_height =
      parts_of(parts_of(bottom - top, parts_of(bottom - top, kBlockHeight)), kSsimGroup) * kSsimGroup;
  std::vector<SsimBlock> blocks;
  for (int c = 0; c < channels; ++c) {
    for (int y = top; y < bottom; y += block_height) {
      for (int x = 0; x < width; x += block_width) {
        blocks.push_back({c, x, y, std::min(block_width, width - x), std::min(block_height, bottom - y)});
      }
    }
  }
  return blocks;
}

float* ssim_scratch() {
  thread_local Buffer<float> floats(kSsimScratch);
  return floats.data();
}

}  // namespace smartsplat
