// The squares of a tile in which the strongest splats are looked for: splats reach few of those that they are near.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "blending/kernels/table.h"
#include "common/memory.h"
#include "rendering/spans.h"

namespace smartsplat {

// Of one tile at a time; an object is used again for its memory.
template <class Real>
class Squares {
 public:
  // Finds the squares that the splats of a tile reach.
  void sort(const BlendList<Real>& list, const BlendTile<Real>& tile) {
    room_ = std::max(room_, list.count);
    members_.resize(kSide * kSide * room_);
    std::fill_n(counts_, kSide * kSide, size_t{0});
    constexpr size_t kAhead = 8;
    for (size_t i = 0; i < list.count; ++i) {
      if (i + kAhead < list.count) __builtin_prefetch(list.splats + list.ids[i + kAhead]);
      Outline<Real> s = list.splats[list.ids[i]];
      s.x -= static_cast<Real>(tile.x);
      s.y -= static_cast<Real>(tile.y);
      for_spans<kMixSize>({tile.width, tile.height, 0}, s, [&](int row, int first, int last) {
        for (int square = row * kSide + first; square <= row * kSide + last; ++square) {
          members_[static_cast<size_t>(square) * room_ + counts_[square]++] = static_cast<uint32_t>(i);
        }
      });
    }
  }

  // Calls body(list, square, room) for every square, with the splats that reach it.
  template <class Body>
  void for_each(const BlendList<Real>& list, const BlendTile<Real>& tile, int k, Body body) {
    for (int y = 0; y < tile.height; y += kMixSize) {
      for (int x = 0; x < tile.width; x += kMixSize) {
        const size_t square = static_cast<size_t>(y / kMixSize * kSide + x / kMixSize);
        const MixList<Real> reaching{list, members_.data() + square * room_, counts_[square]};
        body(reaching, square_at(tile, x, y), room_for(reaching.count, k));
      }
    }
  }

 private:
  static constexpr int kSide = kTileSize / kMixSize;

  static BlendTile<Real> square_at(const BlendTile<Real>& tile, int x, int y) {
    BlendTile<Real> square = tile;
    for (Real*& plane : square.plane) plane += y * tile.stride + x;
    square.x += x;
    square.y += y;
    square.width = std::min(kMixSize, tile.width - x);
    square.height = std::min(kMixSize, tile.height - y);
    return square;
  }

  MixRoom<Real> room_for(size_t splats, int k) {
    const size_t numbers = room_for_mix(splats, k);
    if (numbers_.size() < numbers) numbers_ = Buffer<Real>(2 * numbers);
    if (rows_.size() < splats) {
      rows_.resize(2 * splats);
      bits_.resize(4 * splats);
    }
    return {numbers_.data(), rows_.data(), bits_.data()};
  }

  std::vector<uint32_t> members_;  // of each square, with room for `room_` of them
  size_t room_ = 0;
  size_t counts_[kSide * kSide] = {};
  Buffer<Real> numbers_;
  std::vector<uint16_t> rows_;
  std::vector<uint64_t> bits_;
};

}  // namespace smartsplat
