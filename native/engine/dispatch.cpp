#include <cstdlib>
#include <string_view>

#include "engine/kernels/table.h"

namespace smartsplat {

extern const KernelTable kernels_baseline;
#ifdef SMARTSPLAT_HAVE_avx2
extern const KernelTable kernels_avx2;
#endif
#ifdef SMARTSPLAT_HAVE_avx512
extern const KernelTable kernels_avx512;
#endif

namespace {

const KernelTable& choose() {
  const char* asked = std::getenv("SMARTSPLAT_ISA");
  const std::string_view wish = asked ? asked : "";
#ifdef SMARTSPLAT_HAVE_avx512
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  if (avx512 && (wish.empty() || wish == "avx512")) return kernels_avx512;
#endif
#ifdef SMARTSPLAT_HAVE_avx2
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (avx2 && wish != "baseline") return kernels_avx2;
#endif
  return kernels_baseline;
}

}  // namespace

const KernelTable& kernels() {
  static const KernelTable& table = choose();
  return table;
}

}  // namespace smartsplat
