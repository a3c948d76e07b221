// Joins the four bands of one level of a small part of a plane, of which each side begins at an even place: the inverse
// of what wavelet_forward does, but for the norms and gains. Of the finest level values become nodes there.
#pragma once

#include <cstddef>

#include "format/format.h"
#include "lattice/sharpening.h"

namespace smartsplat {

constexpr int kJoinedSide = 256;  // of what is wanted
constexpr int kJoinMargin = kLongLifting.reach;
constexpr int kJoinStride = kJoinedSide + 32;  // room for the margins, in whole vectors
constexpr int kJoinRows = kJoinedSide + 2 * (kJoinMargin + kSharpeningReach) + 1;
static_assert(kJoinStride >= kJoinRows && kJoinStride % 16 == 0);

// The four bands of a part, low halves before high ones, in rows that are kJoinStride apart; what lies beyond the
// columns is any numbers. It is overwritten.
struct JoinPart {
  float* values;
  int rows, columns;
  const Lifting* lifting;
  bool detailed;  // or the high halves are all zero, whatever stands there
};

// Where the joined values go from a row and a column of theirs on; as nodes if there is a filter. Then the part ends
// kSharpeningReach or more beyond what is wanted, or where the plane does.
struct JoinTarget {
  float* values;
  ptrdiff_t stride;
  int top, left, rows, columns;
  const SharpeningFilter* filter;
};

// By the widest vectors that this machine has. `scratch` has as much room as the part.
void join_part(const JoinPart& part, float* scratch, const JoinTarget& to);

}  // namespace smartsplat
