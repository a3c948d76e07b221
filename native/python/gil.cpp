#include "python/gil.h"

#include <atomic>
#include <chrono>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace smartsplat {
namespace {

namespace nb = nanobind;

constexpr auto kNap = std::chrono::milliseconds(1);
constexpr int kMostNaps = 5000;

std::atomic<bool> closing{false};              // the interpreter is about to end
std::atomic<int> returning{0};                 // threads between the look at `closing` and having the lock
std::atomic<unsigned long> main_thread{0};     // where signal handlers run
std::atomic<unsigned long> closing_thread{0};  // the one that ends the interpreter

[[noreturn]] void wait_for_the_end() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

void remember_main_thread() {
  const nb::object thread = nb::module_::import_("threading").attr("main_thread")();
  main_thread = nb::cast<unsigned long>(thread.attr("ident"));
}

// What other threads were about to do does not matter to the child of a fork: it has no other threads.
void begin_child() {
  returning = 0;
  remember_main_thread();
}

// From here on no other thread enters the interpreter any more; those on their way in are let in first.
void close_interpreter() {
  closing_thread = PyThread_get_thread_ident();
  closing = true;
  PyThreadState* state = PyEval_SaveThread();
  for (int nap = 0; returning > 0 && nap < kMostNaps; ++nap) std::this_thread::sleep_for(kNap);
  PyEval_RestoreThread(state);
}

}  // namespace

void GilPause::resume() {
  if (!state_) return;
  ++returning;
  if (closing && PyThread_get_thread_ident() != closing_thread) {
    --returning;
    wait_for_the_end();
  }
  PyEval_RestoreThread(std::exchange(state_, nullptr));
  --returning;
}

bool GilPause::signal_raised() {
  resume();
  const bool raised = PyErr_CheckSignals() != 0;
  state_ = PyEval_SaveThread();
  return raised;
}

bool on_main_thread() { return PyThread_get_thread_ident() == main_thread; }

void bind_gil(nb::module_& m) {
  remember_main_thread();
  m.def("_begin_child", &begin_child);
  m.def("_close_interpreter", &close_interpreter);
  const nb::module_ os = nb::module_::import_("os");
  if (nb::hasattr(os, "register_at_fork")) {
    os.attr("register_at_fork")(nb::arg("after_in_child") = m.attr("_begin_child"));
  }
  nb::module_::import_("atexit").attr("register")(m.attr("_close_interpreter"));
}

}  // namespace smartsplat
