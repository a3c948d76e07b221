// What one fuzz target is; hooks.cpp connects it with libFuzzer.
#pragma once

#include <cstdint>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/random.h"

struct Target {
  // Changes a file that may be anything, so that it does not get longer than `most`; LLVMFuzzerMutate helps.
  void (*mutate)(std::vector<uint8_t>& file, size_t most, Random& random);
  int request_share;  // of 16 mutations, how many change a request instead
  // Aborts if a promise is broken.
  void (*examine)(const Input& input);
};

extern const Target kTarget;
