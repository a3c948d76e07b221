// Which instruction sets this machine has, of those that kernels may be compiled for.
#pragma once

#include <string_view>

namespace smartsplat {

inline bool runs_here([[maybe_unused]] std::string_view instructions) {
#if defined(__x86_64__) || defined(__i386__)
  if (instructions == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
  }
  if (instructions == "avx2") {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  }
#endif
  return true;
}

}  // namespace smartsplat
