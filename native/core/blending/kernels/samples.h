// Tiles from and to pictures in memory.
#pragma once

#include "blending/kernels/table.h"
#include "rendering/kernels/channels.h"
#include "rendering/kernels/splat_loops.h"

namespace {

using smartsplat::BlendTile;
using smartsplat::Samples;

// Whether the channels lie side by side and are all there.
template <int C, class Sample>
inline bool interleaved(const Samples<Sample>& picture) {
  return picture.channel == 1 && picture.column == C;
}

template <int C>
inline void read_row(const float* row, const Samples<const float>& picture, const BlendTile<float>& tile, size_t at) {
  if (interleaved<C>(picture)) return deinterleave<C>(row, tile.width, tile.plane, at);
  for (int c = 0; c < C; ++c) {
    const float* const from = row + c * picture.channel;
    if (picture.column == 1) {
      std::memcpy(tile.plane[c] + at, from, sizeof(float) * static_cast<size_t>(tile.width));
    } else {
      for (int x = 0; x < tile.width; ++x) tile.plane[c][at + static_cast<size_t>(x)] = from[x * picture.column];
    }
  }
}

template <int C>
inline void read_row(const double* row, const Samples<const double>& picture, const BlendTile<double>& tile,
                     size_t at) {
  for (int c = 0; c < C; ++c) {
    const double* const from = row + c * picture.channel;
    for (int x = 0; x < tile.width; ++x) tile.plane[c][at + static_cast<size_t>(x)] = from[x * picture.column];
  }
}

template <class V, int C>
void read(const BlendTile<RealOf<V>>& tile, const Samples<const RealOf<V>>& picture) {
  const int padded = (tile.width + 15) / 16 * 16;
  for (int y = 0; y < tile.height; ++y) {
    const size_t at = place_in(tile, y, 0);
    read_row<C>(picture.first + y * picture.row, picture, tile, at);
    for (int c = 0; c < C; ++c) {
      for (int x = tile.width; x < padded; ++x) tile.plane[c][at + static_cast<size_t>(x)] = 0;
    }
  }
}

template <class V, int C>
void write(const BlendTile<RealOf<V>>& tile, const Samples<RealOf<V>>& picture) {
  for (int y = 0; y < tile.height; ++y) {
    RealOf<V>* const row = picture.first + y * picture.row;
    const size_t at = place_in(tile, y, 0);
    if constexpr (std::is_same_v<V, vf>) {
      if (interleaved<C>(picture)) {
        interleave<C>(tile.plane, at, tile.width, row);
        continue;
      }
    }
    for (int c = 0; c < C; ++c) {
      RealOf<V>* const to = row + c * picture.channel;
      for (int x = 0; x < tile.width; ++x) to[x * picture.column] = tile.plane[c][at + static_cast<size_t>(x)];
    }
  }
}

}  // namespace
