// How many threads share the work of one call, and how the call is called off.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>

namespace smartsplat {

// A wish to stop, which the thread that made this asks for now and then, and which all that work for it see.
class Interrupt {
 public:
  // `poll` is called on the thread that makes this object, at most every 20 ms; true means: stop.
  explicit Interrupt(std::function<bool()> poll) : poll_(std::move(poll)) {}

  // Whether the work should stop.
  bool raised() {
    if (raised_.load(std::memory_order_relaxed)) return true;
    return std::this_thread::get_id() == owner_ && ask();
  }
  // Whether raised() would be true, or would poll.
  bool due() const;

 private:
  bool ask();

  const std::function<bool()> poll_;
  const std::thread::id owner_ = std::this_thread::get_id();
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
  std::atomic<bool> raised_{false};
};

// The threads that a call may use. A value: what one call asks for concerns no other.
struct Parallel {
  int threads = 0;                 // 0: one for each processor that this process may run on
  Interrupt* interrupt = nullptr;  // may be null

  // Calls body(i) for every i in [0, count), each once, on the caller's thread and helpers. Which thread takes which
  // index is not defined, so bodies write to places of their own. The first exception that a body throws is thrown
  // again here, after all threads have left the loop. Loops may be nested, and any number of callers may be in one.
  void for_each(size_t count, const std::function<void(size_t)>& body) const;

  // Throws Error of the kind kCancelled if the call should stop; for bodies that take long. The poll may run anything
  // on this thread, another render too, so no memory that the thread keeps for such work may be in use.
  void checkpoint() const;

  // How many threads that is.
  int count() const;
};

}  // namespace smartsplat
