// Compiled once for each instruction set.
#include "common/isa.h"
#include "rendering/kernels/frame_loops.h"
#include "rendering/kernels/lattice_loops.h"
#include "rendering/kernels/pixels.h"
#include "rendering/kernels/ssim.h"
#include "rendering/kernels/table.h"

namespace smartsplat {

extern const KernelTable SMARTSPLAT_JOIN(kernels_, SMARTSPLAT_ISA);
const KernelTable SMARTSPLAT_JOIN(kernels_, SMARTSPLAT_ISA) = {
    SMARTSPLAT_STRING(SMARTSPLAT_ISA),
    add_lattice,
    gather_lattice,
    add,
    add_tangents,
    gather_all<Gatherer<vf, 3, Tile, false>>,
    gather_all<ColourGatherer>,
    gather_all<SquareGatherer>,
    squared_loss,
    absolute_loss,
    ssim_loss,
    picture_loss,
    cell_errors,
    decoded_error,
    to_bytes,
    to_words,
    to_floats,
    from_floats,
};

}  // namespace smartsplat
