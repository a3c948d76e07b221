// Memory that a thread keeps from one pass to the next.
#pragma once

#include <cstddef>
#include <utility>

#include "common/memory.h"

namespace smartsplat {

// Room for floats, one for each purpose: touching new memory takes as long as what is computed in it. A pass within a
// pass, of a signal's handler, gets room of its own.
template <class Purpose>
class KeptRoom {
 public:
  explicit KeptRoom(size_t floats) : room_(std::move(kept())) {
    if (room_.size() >= floats) return;
    room_ = Buffer<float>();
    room_ = Buffer<float>(floats + floats / 8);
  }
  ~KeptRoom() {
    if (kept().size() < room_.size()) kept() = std::move(room_);
  }
  KeptRoom(const KeptRoom&) = delete;
  KeptRoom& operator=(const KeptRoom&) = delete;

  float* data() { return room_.data(); }

 private:
  static Buffer<float>& kept() {
    thread_local Buffer<float> room;
    return room;
  }

  Buffer<float> room_;
};

}  // namespace smartsplat
