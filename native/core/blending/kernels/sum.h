// Plain sums of splats.
#pragma once

#include "blending/kernels/table.h"
#include "rendering/kernels/splat_loops.h"

namespace {

using smartsplat::BlendList;
using smartsplat::BlendSlots;
using smartsplat::BlendTile;

// The colour of splat i of a list in C channels.
template <class Real>
inline const Real* colour_of(const BlendList<Real>& list, uint32_t id) {
  return list.colours + static_cast<size_t>(id) * list.pitch;
}

// Puts the sums of splat i of a list into its slot.
template <class V, int C>
inline void put(const BlendSlots<RealOf<V>>& slots, const BlendList<RealOf<V>>& list, size_t i, const V* channels,
                const Moments<V, true>& moments) {
  using smartsplat::kMoments;
  V vectors[kMoments + C];
  moments.copy_to(vectors);
  for (int c = 0; c < C; ++c) vectors[kMoments + c] = channels[c];
  RealOf<V> sums[kMoments + C];
  sums_of(vectors, sums);
  RealOf<V>* const slot = slots.numbers + static_cast<size_t>(list.slots[i]) * slots.stride;
  const auto set = [&slots](RealOf<V>& number, RealOf<V> sum) { number = slots.fresh ? sum : number + sum; };
  for (int k = 0; k < kMoments; ++k) set(slot[k], sums[k]);
  for (int c = 0; c < C; ++c) set(slot[slots.colour + static_cast<size_t>(c)], sums[kMoments + c]);
}

// Asks for what the next splats of a list need before it is their turn: they may lie anywhere.
template <class Real>
inline void prefetch_splat(const BlendList<Real>& list, size_t i) {
  constexpr size_t kAhead = 4;
  if (i + kAhead >= list.count) return;
  const uint32_t id = list.ids[i + kAhead];
  const char* const outline = reinterpret_cast<const char*>(list.outlines + id);
  for (size_t line = 0; line < sizeof(*list.outlines); line += 64) __builtin_prefetch(outline + line);
  __builtin_prefetch(colour_of(list, id));
}

template <class V, int C>
void add_splats(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& tile) {
  using Real = RealOf<V>;
  for (size_t i = 0; i < list.count; ++i) {
    prefetch_splat(list, i);
    const uint32_t id = list.ids[i];
    const Real opacity = list.strengths ? list.strengths[id] : 1;
    Real colour[C];
    for (int c = 0; c < C; ++c) colour[c] = opacity * colour_of(list, id)[c];
    Adder<V, C, BlendTile<Real>> adder(colour, tile);
    walk(list.outlines[id], tile, adder);
  }
}

template <class V, int C>
void gather_splats(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& tile,
                   const BlendSlots<RealOf<V>>& slots) {
  for (size_t i = 0; i < list.count; ++i) {
    prefetch_splat(list, i);
    const uint32_t id = list.ids[i];
    Gatherer<V, C, BlendTile<RealOf<V>>, true> gatherer(colour_of(list, id), tile);
    walk(list.outlines[id], tile, gatherer);
    put<V, C>(slots, list, i, gatherer.channels(), gatherer.moments());
  }
}

}  // namespace
