// Compiled once for each instruction set; SMARTSPLAT_ISA is its name.
#include "rendering/kernels/lattice_loops.h"
#include "rendering/kernels/pixels.h"
#include "rendering/kernels/splat_loops.h"
#include "rendering/kernels/ssim.h"
#include "rendering/kernels/table.h"

#define SMARTSPLAT_STRING_OF(name) #name
#define SMARTSPLAT_STRING(name) SMARTSPLAT_STRING_OF(name)
#define SMARTSPLAT_JOIN_OF(a, b) a##b
#define SMARTSPLAT_JOIN(a, b) SMARTSPLAT_JOIN_OF(a, b)

namespace smartsplat {

extern const KernelTable SMARTSPLAT_JOIN(kernels_, SMARTSPLAT_ISA);
const KernelTable SMARTSPLAT_JOIN(kernels_, SMARTSPLAT_ISA) = {
    SMARTSPLAT_STRING(SMARTSPLAT_ISA),
    add_lattice,
    gather_lattice,
    add,
    add_tangents,
    gather_all<Gatherer>,
    gather_all<ColourGatherer>,
    gather_all<SquareGatherer>,
    squared_loss,
    absolute_loss,
    clamped_absolute_loss,
    ssim,
    cell_errors,
    decoded_error,
    to_bytes,
    to_floats,
};

}  // namespace smartsplat
