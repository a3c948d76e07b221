// Whole files.
#include "fuzz/exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kChoices = 33;  // bytes after the file, about as many as three views use
  Choices choices(data, size);
  exercise(data, size - (size < kChoices ? 0 : kChoices), choices);
  return 0;
}
