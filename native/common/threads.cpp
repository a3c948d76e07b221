#include "common/threads.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif
#ifdef __SSE__
#include <xmmintrin.h>
#endif

namespace smartsplat {
namespace {

int processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
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
    asm volatile("msr fpcr, %0" ::"r"(saved_ | (1ull << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

 private:
  unsigned long saved_ = 0;
#endif
};

struct Loop {
  const std::function<void(size_t)>* body;
  size_t count;
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;

  void run() {
    FlushDenormals guard;
    try {
      for (size_t i; !failed.load(std::memory_order_relaxed) && (i = next.fetch_add(1)) < count;) (*body)(i);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
};

class Pool {
 public:
  explicit Pool(int helpers) {
    threads_.reserve(static_cast<size_t>(helpers));
    try {
      for (int i = 0; i < helpers; ++i) threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {  // the system gives no more: these must do
    }
  }
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void run(Loop& loop) {
    {
      std::lock_guard lock(mutex_);
      loop_ = &loop;
      working_ = static_cast<int>(threads_.size());
      ++generation_;
    }
    wake_.notify_all();
    loop.run();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return working_ == 0; });
  }

 private:
  void serve() {
    for (unsigned long seen = 0;;) {
      Loop* loop;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
        if (stopping_) return;
        seen = generation_;
        loop = loop_;
      }
      loop->run();
      std::lock_guard lock(mutex_);
      if (--working_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  Loop* loop_ = nullptr;
  int working_ = 0;
  unsigned long generation_ = 0;
  bool stopping_ = false;
};

std::mutex pool_mutex;  // one loop at a time has the pool; another one runs on its caller's thread alone
std::unique_ptr<Pool> pool;
pid_t pool_process = 0;
std::atomic<int> wanted{0};
int pool_size = 0;

Pool& current_pool() {
  const int size = thread_count();
  if (pool_process != getpid()) (void)pool.release();  // after a fork its threads exist in the parent only
  if (!pool || pool_size != size) {
    pool.reset();
    pool = std::make_unique<Pool>(size - 1);
    pool_size = size;
    pool_process = getpid();
  }
  return *pool;
}

}  // namespace

void set_thread_count(int count) { wanted = std::max(0, count); }

int thread_count() {
  const int count = wanted.load();
  return count > 0 ? count : processors();
}

void parallel_for(size_t count, const std::function<void(size_t)>& body) {
  Loop loop{&body, count};
  std::unique_lock lock(pool_mutex, std::try_to_lock);
  if (count > 1 && thread_count() > 1 && lock.owns_lock()) {
    current_pool().run(loop);
  } else {
    loop.run();
  }
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace smartsplat
