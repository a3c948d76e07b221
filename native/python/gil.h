// Native work without the interpreter's lock: signals are noticed, and an interpreter that ends is let go.
#pragma once

#include <nanobind/nanobind.h>

#include <exception>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/parallel.h"

namespace smartsplat {

// The interpreter's lock, given back for as long as native work lasts.
class GilPause {
 public:
  GilPause() : state_(PyEval_SaveThread()) {}
  ~GilPause() { resume(); }
  GilPause(const GilPause&) = delete;
  GilPause& operator=(const GilPause&) = delete;

  // Takes the lock again. In an interpreter that is ending, a thread that does not end it never comes back from here:
  // Python would unwind it through frames that cannot be unwound.
  void resume();
  // Whether a signal's handler has raised something; called with the lock given back.
  bool signal_raised();

 private:
  PyThreadState* state_;
};

// Whether this thread is the one that Python's signal handlers run in.
bool on_main_thread();

void bind_gil(nanobind::module_& m);

// Calls work(parallel) without the interpreter's lock. Ctrl-C and other signals call it off.
template <class Work>
void without_gil(int threads, Work work) {
  std::exception_ptr failure;
  {
    const bool watched = on_main_thread();
    GilPause pause;
    std::optional<Interrupt> interrupt;
    if (watched) interrupt.emplace([&pause] { return pause.signal_raised(); });
    try {
      work(Parallel{threads, interrupt ? &*interrupt : nullptr});
    } catch (...) {
      failure = std::current_exception();
    }
    pause.resume();
  }
  if (PyErr_Occurred()) throw nanobind::python_error();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace smartsplat
