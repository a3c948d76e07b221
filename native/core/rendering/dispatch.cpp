#include <atomic>
#include <string_view>

#include "common/instructions.h"
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
