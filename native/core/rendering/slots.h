// Sums of splats over tiles: a slot of some numbers for every pair of the two, in the order that Bins gives them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "common/memory.h"
#include "common/parallel.h"
#include "rendering/bins.h"

namespace smartsplat {

// Calls body(begin, end) for parts of [0, n).
template <class Body>
void for_runs(size_t n, const Parallel& parallel, Body body) {
  constexpr size_t kRun = 1024;
  parallel.for_each((n + kRun - 1) / kRun, [&](size_t run) { body(run * kRun, std::min(n, (run + 1) * kRun)); });
}

// Calls body(i) for every i in [0, n), many at a time on a thread.
template <class Body>
void for_splats(size_t n, const Parallel& parallel, Body body) {
  for_runs(n, parallel, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) body(i);
  });
}

// Room for that many numbers. The caller's thread keeps it from one pass to the next, since touching new memory takes
// as long as the sums; a pass within a pass, of a signal's handler, gets room of its own. Each purpose has its room.
template <class Real, class Purpose = Real>
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

// Calls write(splat, sums) with the first `count` sums of every one of n splats over all its tiles; slots are `stride`
// numbers apart.
template <class Real, class Write>
void for_sums(size_t n, const Bins& bins, const Real* slots, size_t stride, size_t count, const Parallel& parallel,
              Write write) {
  for_runs(n, parallel, [&](size_t begin, size_t end) {
    std::vector<double> sums(count);
    for (size_t i = begin; i < end; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (size_t slot = bins.first_slot(i); slot < bins.end_slot(i); ++slot) {
        for (size_t k = 0; k < count; ++k) sums[k] += slots[slot * stride + k];
      }
      write(i, sums.data());
    }
  });
}

}  // namespace smartsplat
