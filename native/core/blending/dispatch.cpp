#include <string_view>

#include "blending/kernels/table.h"
#include "rendering/kernels/table.h"

namespace smartsplat {

extern const BlendTable blend_table_baseline;
#ifdef SMARTSPLAT_HAVE_avx2
extern const BlendTable blend_table_avx2;
#endif
#ifdef SMARTSPLAT_HAVE_avx512
extern const BlendTable blend_table_avx512;
#endif

const BlendTable& blend_table() {
  [[maybe_unused]] const std::string_view name = kernels().name;
#ifdef SMARTSPLAT_HAVE_avx512
  if (name == "avx512") return blend_table_avx512;
#endif
#ifdef SMARTSPLAT_HAVE_avx2
  if (name == "avx2") return blend_table_avx2;
#endif
  return blend_table_baseline;
}

}  // namespace smartsplat
