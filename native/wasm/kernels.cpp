// The pixel kernels that a decoder calls; stands in for core/rendering/kernels/kernels.cpp. Those of fitting are left
// out: as entries of a table they could not be dropped when linking.
#include "rendering/kernels/frame_loops.h"
#include "rendering/kernels/lattice_loops.h"
#include "rendering/kernels/pixels.h"
#include "rendering/kernels/table.h"

namespace smartsplat {
namespace {

KernelTable decoding() {
  KernelTable table{};
  table.name = "baseline";
  table.add_lattice = add_lattice;
  table.add = add;
  table.to_bytes = to_bytes;
  return table;
}

}  // namespace

extern const KernelTable kernels_baseline;
const KernelTable kernels_baseline = decoding();

}  // namespace smartsplat
