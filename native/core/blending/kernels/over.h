// Splats over each other: alpha compositing from the front, which is the first splat, to the back.
//
// With a = opacity * weight and T what the splats before let through, a pixel is sum a T colour, and T becomes
// T (1 - a). For the gradient, R is what is seen behind a splat as if nothing were before it: R becomes a colour +
// (1 - a) R from splat to splat towards the front, and the derivative by a is T (colour - R). Nothing is divided by
// 1 - a, so splats may be opaque.
#pragma once

#include "blending/kernels/sum.h"

namespace {

constexpr size_t kGlance = 32;  // splats between two looks at whether a tile is opaque

// Whether no pixel of the tile lets anything through that can be seen.
template <class V>
inline bool opaque(const BlendTile<RealOf<V>>& tile, const RealOf<V>* through) {
  const V limit = broadcast<V>(static_cast<RealOf<V>>(smartsplat::kOpaque));
  for (int y = 0; y < tile.height; ++y) {
    const RealOf<V>* const row = through + place_in(tile, y, 0);
    int x = 0;
    for (; x + kLanesOf<V> <= tile.width; x += kLanesOf<V>) {
      if (any_greater(load(row + x), limit)) return false;
    }
    for (; x < tile.width; ++x) {
      if (row[x] > smartsplat::kOpaque) return false;
    }
  }
  return true;
}

template <class V, int C>
class Coverer {
 public:
  using Real = RealOf<V>;
  Coverer(const Real* colour, V opacity, const BlendTile<Real>& tile, Real* through)
      : tile_(tile), through_(through), opacity_(opacity) {
    for (int c = 0; c < C; ++c) colour_[c] = broadcast<V>(colour[c]);
  }
  void block(int column, V) { column_ = column; }
  void row(V weight, int row, Real, V) {
    const size_t at = place_in(tile_, row, column_);
    const V through = load(through_ + at);
    const V share = opacity_ * weight * through;
    for (int c = 0; c < C; ++c) store(tile_.plane[c] + at, load(tile_.plane[c] + at) + share * colour_[c]);
    store(through_ + at, through - share);
  }
  void end_block() {}

 private:
  const BlendTile<Real>& tile_;
  Real* through_;
  V opacity_, colour_[C];
  int column_ = 0;
};

template <class V>
class Descender {
 public:
  using Real = RealOf<V>;
  Descender(V opacity, const BlendTile<Real>& tile, Real* through, Real* kept)
      : tile_(tile), through_(through), kept_(kept), opacity_(opacity) {}
  void block(int column, V) { column_ = column; }
  void row(V weight, int row, Real, V) {
    Real* const at = through_ + place_in(tile_, row, column_);
    const V through = load(at);
    store(kept_, through);
    kept_ += kLanesOf<V>;
    store(at, through - opacity_ * weight * through);
  }
  void end_block() {}
  Real* kept() const { return kept_; }

 private:
  const BlendTile<Real>& tile_;
  Real *through_, *kept_;
  V opacity_;
  int column_ = 0;
};

template <class V, int C>
class Uncoverer {
 public:
  using Real = RealOf<V>;
  Uncoverer(const Real* colour, V opacity, const BlendTile<Real>& tile, const Real* kept, Real* behind)
      : tile_(tile), kept_(kept), behind_(behind), opacity_(opacity) {
    for (int c = 0; c < C; ++c) amplitude_[c] = broadcast<V>(colour[c]);
  }
  void block(int column, V dx) {
    column_ = column;
    moments_.block(dx);
  }
  void row(V weight, int row, Real, V offset) {
    const size_t at = place_in(tile_, row, column_);
    const V seen = weight * load(kept_);
    kept_ += kLanesOf<V>;
    V value[C];
    for (int c = 0; c < C; ++c) value[c] = load(tile_.plane[c] + at);
    for (int c = 0; c < C; ++c) colour_[c] += seen * value[c];
    V product = amplitude_[0] * value[0];
    for (int c = 1; c < C; ++c) product += amplitude_[c] * value[c];
    const V behind = load(behind_ + at);
    const V gain = product - behind;
    moments_.row(seen * gain, offset);
    store(behind_ + at, behind + opacity_ * weight * gain);
  }
  void end_block() { moments_.end_block(); }
  const V* channels() const { return colour_; }
  const Moments<V>& moments() const { return moments_; }

 private:
  const BlendTile<Real>& tile_;
  const Real* kept_;
  Real* behind_;
  V opacity_, amplitude_[C], colour_[C] = {};
  Moments<V> moments_;
  int column_ = 0;
};

template <class V, int C>
size_t cover(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& tile, RealOf<V>* through) {
  for (size_t i = 0; i < list.count; ++i) {
    if (i % kGlance == kGlance - 1 && opaque<V>(tile, through)) return i;
    prefetch_splat(list, i);
    const uint32_t id = list.ids[i];
    const PlacedSplat<RealOf<V>>& splat = list.splats[id];
    Coverer<V, C> coverer(colour_of(list, id), broadcast<V>(splat.strength), tile, through);
    walk(splat, tile, coverer);
  }
  return list.count;
}

template <class V>
smartsplat::Descent descend(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& tile, RealOf<V>* through,
                            RealOf<V>* kept, size_t room, size_t* starts) {
  const size_t most = static_cast<size_t>(tile.stride) * static_cast<size_t>(tile.height);  // of one splat
  size_t used = 0;
  for (size_t i = 0; i < list.count; ++i) {
    if (i % kGlance == kGlance - 1 && opaque<V>(tile, through)) return {i, true};
    if (used + most > room) return {i, false};
    prefetch_splat(list, i);
    const uint32_t id = list.ids[i];
    const PlacedSplat<RealOf<V>>& splat = list.splats[id];
    starts[i] = used;
    Descender<V> descender(broadcast<V>(splat.strength), tile, through, kept + used);
    walk(splat, tile, descender);
    used = static_cast<size_t>(descender.kept() - kept);
  }
  return {list.count, false};
}

template <class V, int C>
void uncover(const BlendList<RealOf<V>>& list, const BlendTile<RealOf<V>>& tile, const RealOf<V>* kept,
             const size_t* starts, RealOf<V>* behind, const BlendSlots<RealOf<V>>& slots) {
  for (size_t i = list.count; i-- > 0;) {
    const uint32_t id = list.ids[i];
    const PlacedSplat<RealOf<V>>& splat = list.splats[id];
    Uncoverer<V, C> uncoverer(colour_of(list, id), broadcast<V>(splat.strength), tile, kept + starts[i], behind);
    walk(splat, tile, uncoverer);
    put<V, C>(slots, list, i, uncoverer.channels(), uncoverer.moments());
  }
}

}  // namespace
