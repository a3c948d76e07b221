#include <atomic>
#include <string_view>

#include "rendering/kernels/table.h"

namespace smartsplat {

extern const KernelTable kernels_baseline;
#ifdef SMARTSPLAT_HAVE_avx2
extern const KernelTable kernels_avx2;
#endif
#ifdef SMARTSPLAT_HAVE_avx512
extern const KernelTable kernels_avx512;
#endif

namespace {

bool runs_here([[maybe_unused]] std::string_view name) {
#ifdef SMARTSPLAT_HAVE_avx512
  if (name == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
  }
#endif
#ifdef SMARTSPLAT_HAVE_avx2
  if (name == "avx2") {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  }
#endif
  return true;
}

constexpr const KernelTable* kTables[] = {
// the widest first
#ifdef SMARTSPLAT_HAVE_avx512
    &kernels_avx512,
#endif
#ifdef SMARTSPLAT_HAVE_avx2
    &kernels_avx2,
#endif
    &kernels_baseline,
};

std::atomic<const KernelTable*> chosen{nullptr};

}  // namespace

bool choose_kernels(std::string_view name) {
  for (const KernelTable* table : kTables) {
    if ((name.empty() || name == table->name) && runs_here(table->name)) {
      chosen = table;
      return true;
    }
  }
  return false;
}

const KernelTable& kernels() {
  if (!chosen) choose_kernels("");
  return *chosen;
}

}  // namespace smartsplat
