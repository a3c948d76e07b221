#include "blending/over.h"

#include <algorithm>

namespace smartsplat {
namespace {

constexpr size_t kKept = size_t{1} << 18;  // numbers; in single precision the second-level cache holds them

template <class Real>
BlendList<Real> part_of(BlendList<Real> list, size_t begin, size_t end) {
  list.ids += begin;
  list.slots += begin;
  list.count = end - begin;
  return list;
}

}  // namespace

template <class Real>
Layers<Real>::Layers(const BlendList<Real>& list, const BlendTile<Real>& tile) : room_(blend_room<Real>()) {
  if (room_.kept.size() == 0) room_.kept = Buffer<Real>(kKept);
  room_.starts.resize(std::max(room_.starts.size(), list.count));
  std::fill_n(room_.through(), kBlendPlane, Real(1));
  for (bool opaque = false; !opaque && (chunks_.empty() || chunks_.back().end < list.count);) {
    const size_t begin = chunks_.empty() ? 0 : chunks_.back().end;
    chunks_.push_back({begin, list.count, {room_.through(), room_.through() + kBlendPlane}});
    const Descent descent = descend(list, tile, chunks_.back());
    chunks_.back().end = begin + descent.taken;
    opaque = descent.opaque;
  }
}

template <class Real>
Descent Layers<Real>::descend(const BlendList<Real>& list, const BlendTile<Real>& tile, const Chunk& chunk) {
  kept_ = static_cast<size_t>(&chunk - chunks_.data());
  return blend_kernels<Real>().descend(part_of(list, chunk.begin, chunk.end), tile, room_.through(), room_.kept.data(),
                                       kKept, room_.starts.data());
}

template <class Real>
void Layers<Real>::gather(const BlendList<Real>& list, const BlendTile<Real>& tile, int channels,
                          const BlendSlots<Real>& slots) {
  std::fill_n(room_.behind(), kBlendPlane, Real(0));
  for (size_t i = chunks_.size(); i-- > 0;) {
    const Chunk& chunk = chunks_[i];
    if (kept_ != i) {
      std::copy(chunk.through.begin(), chunk.through.end(), room_.through());
      descend(list, tile, chunk);
    }
    blend_kernels<Real>().uncover[channels - 1](part_of(list, chunk.begin, chunk.end), tile, room_.kept.data(),
                                                room_.starts.data(), room_.behind(), slots);
  }
}

template class Layers<float>;
template class Layers<double>;

}  // namespace smartsplat
