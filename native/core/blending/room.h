// The memory that a thread blends tiles in.
#pragma once

#include <cstddef>
#include <vector>

#include "blending/kernels/table.h"
#include "blending/squares.h"
#include "common/memory.h"

namespace smartsplat {

constexpr size_t kBlendPlane = static_cast<size_t>(kTileSize) * kTileSize;

template <class Real>
struct BlendRoom {
  // The planes of a tile; what is let through, or seen behind.
  Buffer<Real> planes{kBlendPlane * (kMostChannels + 2)};
  Buffer<Real> kept;           // what reaches each pixel of each splat
  std::vector<size_t> starts;  // of each splat in it
  Squares<Real> squares;

  Real* plane(int index) { return planes.data() + static_cast<size_t>(index) * kBlendPlane; }
  Real* through() { return plane(kMostChannels); }
  Real* behind() { return plane(kMostChannels + 1); }
};

// That of this thread.
template <class Real>
BlendRoom<Real>& blend_room() {
  thread_local BlendRoom<Real> room;
  return room;
}

}  // namespace smartsplat
