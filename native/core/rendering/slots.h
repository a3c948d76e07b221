// Sums of splats over tiles: a slot of some numbers for every pair of the two, in the order that Bins gives them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/memory.h"
#include "common/parallel.h"
#include "rendering/bins.h"

namespace smartsplat {

// Calls body(i) for every i in [0, n), many at a time on a thread.
template <class Body>
void for_splats(size_t n, const Parallel& parallel, Body body) {
  constexpr size_t kPart = 1024;
  parallel.for_each((n + kPart - 1) / kPart, [&](size_t part) {
    for (size_t i = part * kPart; i < std::min(n, (part + 1) * kPart); ++i) body(i);
  });
}

// Room for that many numbers. The caller's thread keeps it from one pass to the next, since touching new memory takes
// as long as the sums; a pass within a pass, of a signal's handler, gets room of its own.
template <class Real>
class Slots {
 public:
  explicit Slots(size_t size) : room_(std::move(kept())) {
    if (room_.size() >= size) return;
    room_ = Buffer<Real>();
    room_ = Buffer<Real>(size + size / 8);
  }
  ~Slots() {
    if (kept().size() < room_.size()) kept() = std::move(room_);
  }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  Real* data() { return room_.data(); }

 private:
  static Buffer<Real>& kept() {
    thread_local Buffer<Real> room;
    return room;
  }

  Buffer<Real> room_;
};

constexpr int kMostSums = 16;

// Calls write(splat, sums) with the first `count` sums (kMostSums at most) of every one of n splats over all its
// tiles; slots are `stride` numbers apart.
template <class Real, class Write>
void for_sums(size_t n, const Bins& bins, const Real* slots, int stride, int count, const Parallel& parallel,
              Write write) {
  for_splats(n, parallel, [&](size_t i) {
    double sums[kMostSums] = {};
    for (size_t slot = bins.first_slot(i); slot < bins.end_slot(i); ++slot) {
      for (int k = 0; k < count; ++k) sums[k] += slots[slot * static_cast<size_t>(stride) + static_cast<size_t>(k)];
    }
    write(i, sums);
  });
}

}  // namespace smartsplat
