#include "rendering/frame.h"

#include <algorithm>
#include <cmath>
#include <numbers>
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

double Frame::support_pixels() const {
  double total = 0;
  for (const Axes& axes : axes_) {
    total += std::numbers::pi * kSupport * std::sqrt(axes.variance[0] * axes.variance[1]);
  }
  return total;
}

}  // namespace smartsplat
