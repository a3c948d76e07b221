// Small random numbers of a mutation, which depend on its seed only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  // From 0 to before count, which is at least 1.
  size_t below(size_t count) { return static_cast<size_t>(engine_()) % count; }
  bool one_in(size_t count) { return below(count) == 0; }
  // Ends included.
  int between(int least, int most) {
    return static_cast<int>(least + static_cast<int64_t>(below(static_cast<size_t>(int64_t{most} - least) + 1)));
  }
  double fraction() { return static_cast<double>(engine_()) / static_cast<double>(std::mt19937::max()); }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

 private:
  std::mt19937 engine_;
};
