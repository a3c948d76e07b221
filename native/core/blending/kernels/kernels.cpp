// Compiled once for each instruction set.
#include "blending/kernels/over.h"
#include "blending/kernels/samples.h"
#include "blending/kernels/strongest.h"
#include "blending/kernels/sum.h"
#include "blending/kernels/table.h"
#include "common/isa.h"

namespace {

template <class V>
constexpr smartsplat::BlendKernels<RealOf<V>> blends_of() {
  return {
      {read<V, 1>, read<V, 2>, read<V, 3>, read<V, 4>},
      {write<V, 1>, write<V, 2>, write<V, 3>, write<V, 4>},
      {add_splats<V, 1>, add_splats<V, 2>, add_splats<V, 3>, add_splats<V, 4>},
      {gather_splats<V, 1>, gather_splats<V, 2>, gather_splats<V, 3>, gather_splats<V, 4>},
      {cover<V, 1>, cover<V, 2>, cover<V, 3>, cover<V, 4>},
      descend<V>,
      {uncover<V, 1>, uncover<V, 2>, uncover<V, 3>, uncover<V, 4>},
      {mix<V, 1>, mix<V, 2>, mix<V, 3>, mix<V, 4>},
      {unmix<V, 1>, unmix<V, 2>, unmix<V, 3>, unmix<V, 4>},
  };
}

}  // namespace

namespace smartsplat {

extern const BlendTable SMARTSPLAT_JOIN(blend_table_, SMARTSPLAT_ISA);
const BlendTable SMARTSPLAT_JOIN(blend_table_, SMARTSPLAT_ISA) = {
    SMARTSPLAT_STRING(SMARTSPLAT_ISA),
    blends_of<vf>(),
    blends_of<double>(),
};

}  // namespace smartsplat
