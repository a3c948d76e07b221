// Plain sums of splats.
#pragma once

#include "blending/kernels/table.h"
#include "rendering/kernels/splat_loops.h"

namespace {

using smartsplat::BlendList;
using smartsplat::BlendSlots;
using smartsplat::BlendTile;
using smartsplat::PlacedSplat;

// The colour of splat i of a list in C channels.
template <class Real>
inline const Real* colour_of(const BlendList<Real>& list, uint32_t id) {
  return list.colours + static_cast<size_t>(id) * list.pitch;
}

// Puts the sums of splat i of a list into its slot.
template <class V, int C>
inline void put(const BlendSlots<RealOf<V>>& slots, const BlendList<RealOf<V>>& list, size_t i, const V* channels,
                const Moments<V>& moments) {
  using smartsplat::kMoments;
  V vectors[kMoments + C];
  moments.copy_to(vectors);
  for (int c = 0; c < C; ++c) vectors[kMoments + c] = channels[c];
  RealOf<V> sums[kMoments + C];
  sums_of(vectors, sums);
  RealOf<V>* const slot = slots.numbers + static_cast<size_t>(list.slots[i]) * slots.stride;
  RealOf<V>* const channel = slot + slots.colour;
  if (slots.fresh) {
    for (int k = 0; k < kMoments; ++k) slot[k] = sums[k];
    for (int c = 0; c < C; ++c) channel[c] = sums[kMoments + c];
  } else {
    for (int k = 0; k < kMoments; ++k) slot[k] += sums[k];
    for (int c = 0; c < C; ++c) channel[c] += sums[kMoments + c];
  }
}

// Asks for what the next splats of a list need before it is their turn: they may lie anywhere. (GCC takes functions
// that only prefetch for pure ones and drops calls of them, unless they are inlined before it looks.)
template <class Real>
[[gnu::always_inline]] inline void prefetch_splat(const BlendList<Real>& list, size_t i) {
  constexpr size_t kAhead = 6;
  if (i + kAhead >= list.count) return;
  const uint32_t id = list.ids[i + kAhead];
  for (size_t line = 0; line < sizeof(*list.splats); line += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(list.splats + id) + line);
  }
  __builtin_prefetch(colour_of(list, id));
}

template <class Real>
[[gnu::always_inline]] inline void prefetch_slot(const BlendSlots<Real>& slots, const BlendList<Real>& list, size_t i) {
  constexpr size_t kAhead = 3;
  if (i + kAhead >= list.count) return;
  const Real* const slot = slots.numbers + static_cast<size_t>(list.slots[i + kAhead]) * slots.stride;
  __builtin_prefetch(slot, 1);
  __builtin_prefetch(slot + slots.stride - 1, 1);
}

template <class V, int C>
void add_splats(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& tile) {
  using Real = RealOf<V>;
  for (size_t i = 0; i < list.count; ++i) {
    prefetch_splat(list, i);
    const uint32_t id = list.ids[i];
    const PlacedSplat<Real>& splat = list.splats[id];
    Real colour[C];
    for (int c = 0; c < C; ++c) colour[c] = splat.strength * colour_of(list, id)[c];
    Adder<V, C, BlendTile<Real>> adder(colour, tile);
    walk(splat, tile, adder);
  }
}

template <class V, int C>
void gather_splats(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& tile,
                   const BlendSlots<RealOf<V>>& slots) {
  for (size_t i = 0; i < list.count; ++i) {
    prefetch_splat(list, i);
    prefetch_slot(slots, list, i);
    const uint32_t id = list.ids[i];
    Gatherer<V, C, BlendTile<RealOf<V>>, true> gatherer(colour_of(list, id), tile);
    walk(list.splats[id], tile, gatherer);
    put<V, C>(slots, list, i, gatherer.channels(), gatherer.moments());
  }
}

}  // namespace
