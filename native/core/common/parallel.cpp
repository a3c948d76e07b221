#include "common/parallel.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>

#include "common/error.h"

#ifdef __linux__
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define SMARTSPLAT_CAN_FORK
#endif
#if defined(__linux__) || defined(__APPLE__)
#include <sys/mman.h>
#define SMARTSPLAT_CAN_MAP
#endif
#ifdef __SSE__
#include <xmmintrin.h>
#endif

namespace smartsplat {
namespace {

constexpr int kMostThreads = 256;  // more do not help on any machine, and the system may not give them
constexpr auto kPatience = std::chrono::milliseconds(20);
// Address space that a thread needs at its start: 128 MiB that glibc reserves for its allocations, and its stack.
[[maybe_unused]] constexpr size_t kRoom = size_t{160} << 20;

int processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// Weights fade to nothing at the rim of every splat, and arithmetic on denormal numbers is many times
// slower; while this lives, the thread treats them as zero.
class FlushDenormals {
 public:
#ifdef __SSE__
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(saved_ | (uint64_t{1} << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

 private:
  uint64_t saved_ = 0;
#endif
};

// One call of for_each.
class Loop {
 public:
  Loop(const std::function<void(size_t)>& body, size_t count, Interrupt* interrupt)
      : body_(body), count_(count), interrupt_(interrupt) {}

  void run() {
    FlushDenormals guard;
    try {
      for (size_t i; !failed_.load(std::memory_order_relaxed) && (i = next_.fetch_add(1)) < count_;) {
        stop_if_asked();
        body_(i);
      }
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }
  // Keeps helpers from taking further indices, if the call should stop.
  void watch() {
    if (interrupt_ && interrupt_->raised()) next_ = count_;
  }
  bool watches() const { return interrupt_; }
  void finish() {
    if (error_) std::rethrow_exception(error_);
    stop_if_asked();
  }

  int wanted = 0;   // helpers that may still join; the pool's mutex guards it
  int working = 0;  // helpers inside, likewise

 private:
  void stop_if_asked() {
    if (interrupt_ && interrupt_->raised()) throw Error(ErrorKind::kCancelled, "interrupted");
  }

  const std::function<void(size_t)>& body_;
  const size_t count_;
  Interrupt* const interrupt_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

// Whether another thread can begin. Where one can be made but then finds no memory the process ends.
bool is_room() {
#ifdef SMARTSPLAT_CAN_MAP
  void* found = mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
  return found != MAP_FAILED && munmap(found, kRoom) == 0;
#else
  return true;
#endif
}

// A thread gets memory for its own variables when it first touches one, and where there is none the process ends: so
// at its start, while there is the room that was looked for.
void take_own_memory() {
  [[maybe_unused]] thread_local volatile int own = 0;
  own = std::uncaught_exceptions();  // which touches those of the C++ library

  void* volatile first = std::malloc(64);  // from now on this thread has what the C library reserves for it
  std::free(first);
}

// Threads that help whoever is in a loop. Its mutex is held for a few instructions when a loop begins or ends and
// when a helper joins or leaves, never while anything is computed.
class Pool {
 public:
  void run(Loop& loop, int helpers) {
    {
      std::unique_lock lock(mutex_);
      grow(lock, helpers);
      loop.wanted = helpers;
      loops_.push_back(&loop);
    }
    helpers == 1 ? wake_.notify_one() : wake_.notify_all();
    loop.run();
    std::unique_lock lock(mutex_);
    std::erase(loops_, &loop);
    const auto empty = [&] { return loop.working == 0; };
    while (!empty()) {
      if (loop.watches()) {
        left_.wait_for(lock, kPatience, empty);
        lock.unlock();
        loop.watch();
        lock.lock();
      } else {
        left_.wait(lock, empty);
      }
    }
  }

 private:
  // Starts threads, each when the one before has taken its memory, until there are so many or no room for more.
  void grow(std::unique_lock<std::mutex>& lock, int helpers) {
    while (started_ < helpers && is_room()) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (const std::exception&) {  // the system gives no more, or no memory for this one: these must do
        return;
      }
      const int number = ++started_;
      begun_.wait(lock, [&] { return serving_ >= number; });
    }
  }
  void serve() {
    take_own_memory();
    std::unique_lock lock(mutex_);
    ++serving_;
    begun_.notify_all();
    for (;;) {
      wake_.wait(lock, [this] { return !loops_.empty(); });
      Loop* loop = loops_.front();
      ++loop->working;
      if (--loop->wanted == 0) loops_.pop_front();
      lock.unlock();
      loop->run();
      lock.lock();
      if (--loop->working == 0) left_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, left_, begun_;
  std::deque<Loop*> loops_;  // that want helpers
  int started_ = 0;          // threads
  int serving_ = 0;          // of them, those that have begun
};

// Never destroyed: at the end of a process its threads may still be at work, and after a fork they do not exist.
std::atomic<Pool*> the_pool{nullptr};

#ifdef SMARTSPLAT_CAN_FORK
// The child of a fork begins without a pool; what state the parent's was in does not matter to it.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { the_pool = nullptr; });
#endif

// No lock guards the making, for a fork could leave it locked.
Pool& pool() {
  Pool* found = the_pool.load();
  if (found) return *found;
  auto made = std::make_unique<Pool>();
  return the_pool.compare_exchange_strong(found, made.get()) ? *made.release() : *found;
}

}  // namespace

bool Interrupt::due() const {
  if (raised_.load(std::memory_order_relaxed)) return true;
  return std::this_thread::get_id() == owner_ && std::chrono::steady_clock::now() - asked_ >= kPatience;
}

bool Interrupt::ask() {
  if (!due()) return raised_;
  if (poll_()) raised_ = true;
  asked_ = std::chrono::steady_clock::now();
  return raised_;
}

int Parallel::count() const { return std::min(threads > 0 ? threads : processors(), kMostThreads); }

void Parallel::for_each(size_t count, const std::function<void(size_t)>& body) const {
  Loop loop(body, count, interrupt);
  const int helpers = count > 1 ? static_cast<int>(std::min<size_t>(static_cast<size_t>(this->count()), count)) - 1 : 0;
  if (helpers > 0) {
    pool().run(loop, helpers);
  } else {
    loop.run();
  }
  loop.finish();
}

void Parallel::checkpoint() const {
  if (interrupt && interrupt->raised()) throw Error(ErrorKind::kCancelled, "interrupted");
}

}  // namespace smartsplat
