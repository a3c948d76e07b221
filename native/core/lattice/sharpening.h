// The filter that makes nodes of the values that are coded.
//
// Gaussians overlap: a change of neighbouring nodes with the same sign shows three times as much in a picture as one
// with alternating signs. Values are what is left when that is taken out, so that errors of their coefficients show as
// they are; nodes are the values filtered along both axes, by nearly the inverse root of the Gaussians' Gram matrix.
#pragma once

#include "common/parallel.h"
#include "format/format.h"

namespace smartsplat {

inline constexpr int kSharpeningReach = 2;  // neighbours on either side that a node is made of

inline const SharpeningFilter& sharpening(int spacing) { return spacing == 1 ? kSampledSharpening : kSmoothSharpening; }

// What of a value is in a node of a line of `count`, at least two, along one axis. It is the same the other way round.
float sharpening_share(const SharpeningFilter& filter, int node, int value, int count);

// In place, for one plane in rows: nodes become values.
void unsharpen(float* plane, int rows, int columns, int spacing, const Parallel& parallel);

}  // namespace smartsplat
