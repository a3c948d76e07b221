// Parallel where there is one thread; stands in for core/common/parallel.cpp.
#include "common/parallel.h"

#include "common/error.h"

namespace smartsplat {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(20);

}  // namespace

bool Interrupt::due() const { return raised_ || std::chrono::steady_clock::now() - asked_ >= kPatience; }

bool Interrupt::ask() {
  if (!due()) return raised_;
  if (poll_()) raised_ = true;
  asked_ = std::chrono::steady_clock::now();
  return raised_;
}

int Parallel::count() const { return 1; }

void Parallel::for_each(size_t count, const std::function<void(size_t)>& body) const {
  for (size_t i = 0; i < count; ++i) {
    checkpoint();
    body(i);
  }
}

void Parallel::checkpoint() const {
  if (interrupt && interrupt->raised()) throw Error(ErrorKind::kCancelled, "interrupted");
}

}  // namespace smartsplat
