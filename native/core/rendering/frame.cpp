#include "rendering/frame.h"

#include <algorithm>
#include <utility>

namespace smartsplat {
namespace {

constexpr size_t kPart = 1024;  // splats that a thread takes at a time

}  // namespace

Frame::Frame(const Canvas& canvas, const SplatRows& splats, const Parallel& parallel)
    : canvas_(&canvas), splats_(splats.count), axes_(splats.count) {
  parallel.for_each((splats.count + kPart - 1) / kPart, [&](size_t part) {
    for (size_t i = part * kPart; i < std::min(splats.count, (part + 1) * kPart); ++i) {
      project(splats[i], turn_of(splats[i]), view(), splats_[i], axes_[i]);
    }
  });
  bins_.fill(grid(), splats_, parallel);
}

Frame::Frame(const Canvas& canvas, Buffer<PixelSplat> splats, const Parallel& parallel, Ledger& ledger)
    : canvas_(&canvas), splats_(std::move(splats)) {
  bins_.fill(grid(), splats_, parallel, &ledger);
}

}  // namespace smartsplat
