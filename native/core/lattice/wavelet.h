// The wavelet transform of the lattice's values, by lifting.
#pragma once

#include "common/parallel.h"
#include "format/format.h"

namespace smartsplat {

// How often a lattice of that size is halved.
int wavelet_levels(int rows, int columns);

// Length of a side after `level` halvings; the longer part is the low one.
inline int side_at(int side, int level) {
  for (; level > 0; --level) side = (side + 1) / 2;
  return side;
}

// In place, for one plane in rows, from nodes; if it is halved at all, of what lattice/sharpening.h makes of them. The
// low bands lie before the high ones in both directions. Coefficients are in units of the L2 norm, in a picture, of
// what they stand for, over the spacing of the lattice.
// The way back is lattice/join.h, level by level.
void wavelet_forward(float* values, int rows, int columns, int spacing, const Parallel& parallel);

// What a coefficient of a band of that level is multiplied by before it is joined: the inverse of its norm. A band is
// high down or across, or both; the low one counts at the coarsest level alone.
float wavelet_factor(int spacing, int level, bool down, bool across);

}  // namespace smartsplat
