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
    for (Members& members : squares_) members.clear();
    for (size_t i = 0; i < list.count; ++i) {
      Outline<Real> s = list.splats[list.ids[i]];
      s.x -= static_cast<Real>(tile.x);
      s.y -= static_cast<Real>(tile.y);
      for_spans<kMixSize>({tile.width, tile.height, 0}, s, [&](int row, int first, int last) {
        for (int column = first; column <= last; ++column)
          squares_[row * kSide + column].add(list.ids[i], list.slots[i]);
      });
    }
  }

  // Calls body(list, square, room) for every square, with the splats that reach it.
  template <class Body>
  void for_each(const BlendList<Real>& list, const BlendTile<Real>& tile, int k, Body body) {
    for (int y = 0; y < tile.height; y += kMixSize) {
      for (int x = 0; x < tile.width; x += kMixSize) {
        const Members& members = squares_[y / kMixSize * kSide + x / kMixSize];
        BlendList<Real> part = list;
        part.ids = members.ids.data();
        part.slots = members.slots.data();
        part.count = members.ids.size();
        body(part, square_at(tile, x, y), room_for(part.count, k));
      }
    }
  }

 private:
  static constexpr int kSide = kTileSize / kMixSize;

  struct Members {
    std::vector<uint32_t> ids, slots;
    void add(uint32_t id, uint32_t slot) {
      ids.push_back(id);
      slots.push_back(slot);
    }
    void clear() {
      ids.clear();
      slots.clear();
    }
  };

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
    if (flags_.size() < splats * kMixSize) flags_.resize(2 * splats * kMixSize);
    return {numbers_.data(), flags_.data()};
  }

  Members squares_[kSide * kSide];
  Buffer<Real> numbers_;
  std::vector<uint8_t> flags_;
};

}  // namespace smartsplat
