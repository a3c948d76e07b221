// Compiled once for each instruction set, all without joining products and sums, so that all give the same bits.
#include <algorithm>
#include <cstring>

#include "common/isa.h"
#include "common/simd.h"
#include "format/format.h"
#include "lattice/join.h"
#include "lattice/lifting.h"

namespace smartsplat {

void SMARTSPLAT_JOIN(join_part_, SMARTSPLAT_ISA)(const JoinPart& part, float* scratch, const JoinTarget& to);

namespace {

constexpr int kLineMargin = 16;  // floats around a line, for its neighbours, in whole vectors
constexpr int kStrip = 16;       // columns that are joined together

// The steps back. Without details the high half is taken for zeros.
void unlift(const Halves& halves, const Lifting& lifting, bool detailed) {
  for (int step = detailed ? 3 : 2; step >= 0; --step) {
    halves.lift(step % 2 == 0, lifting.steps[static_cast<size_t>(step)], -1);
  }
}

void join_columns(const JoinPart& part, const float* from, float* to) {
  constexpr int kRoom = (kJoinRows + 1) / 2 + 2 * kLiftingMargin + kLiftingSlack / kStrip;
  alignas(64) float low_room[kRoom * kStrip], high_room[kRoom * kStrip];
  float *const low = low_room + kLiftingMargin * kStrip, *const high = high_room + kLiftingMargin * kStrip;
  const int lows = (part.rows + 1) / 2;
  for (int y = 0; y < part.rows; ++y, from += kJoinStride) {
    float* const row = y < lows ? low + y * kStrip : high + (y - lows) * kStrip;
    if (y < lows || part.detailed) {
      std::memcpy(row, from, sizeof(float) * kStrip);
    } else {
      std::memset(row, 0, sizeof(float) * kStrip);
    }
  }
  unlift({low, high, part.rows, kStrip}, *part.lifting, part.detailed);
  for (int y = 0; y < part.rows; ++y, to += kJoinStride) {
    std::memcpy(to, (y % 2 == 0 ? low : high) + y / 2 * kStrip, sizeof(float) * kStrip);
  }
}

void join_row(const JoinPart& part, const float* row, float* joined) {
  constexpr int kRoom = (kJoinRows + 1) / 2 + kLineMargin + kLiftingMargin + kLiftingSlack;
  alignas(64) float low_room[kRoom], high_room[kRoom];
  float *const low = low_room + kLineMargin, *const high = high_room + kLineMargin;
  const int lows = (part.columns + 1) / 2, highs = part.columns / 2;
  std::memcpy(low, row, sizeof(float) * static_cast<size_t>(lows));
  std::memset(high, 0, sizeof(float) * static_cast<size_t>(highs));
  if (part.detailed) std::memcpy(high, row + lows, sizeof(float) * static_cast<size_t>(highs));
  unlift({low, high, part.columns, 1}, *part.lifting, part.detailed);
  for (int i = 0; i < highs; ++i) {
    joined[2 * i] = low[i];
    joined[2 * i + 1] = high[i];
  }
  if (part.columns % 2 != 0) joined[part.columns - 1] = low[lows - 1];
}

// A symmetric filter of five taps at as many places as fit: own[i] and its neighbours `step` floats apart.
[[gnu::noinline]] void filter_line(const SharpeningFilter& filter, const float* own, ptrdiff_t step, float* to,
                                   int count) {
  const auto filtered = [&](auto load) {
    return filter.own * load(ptrdiff_t{0}) + filter.next * (load(-step) + load(step)) +
           filter.second * (load(-2 * step) + load(2 * step));
  };
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store_unaligned(to + i, filtered([&](ptrdiff_t away) { return load_unaligned(own + i + away); }));
  }
  for (; i < count; ++i) to[i] = filtered([&](ptrdiff_t away) { return own[i + away]; });
}

// Beyond an end of a line there is a zero, and then the last value with the opposite sign.
void extend(float* row, int columns) {
  row[-2] = -row[0];
  row[-1] = 0;
  row[columns] = 0;
  row[columns + 1] = -row[columns - 1];
}
void extend_rows(float* first, int rows, int columns, bool above, bool below) {
  for (const bool down : {false, true}) {
    if (!(down ? below : above)) continue;
    float* const last = first + (down ? static_cast<ptrdiff_t>(rows - 1) * kJoinStride : 0);
    const ptrdiff_t step = down ? kJoinStride : -kJoinStride;
    std::memset(last + step, 0, sizeof(float) * static_cast<size_t>(columns));
    for (int x = 0; x < columns; ++x) last[2 * step + x] = -last[x];
  }
}

void join_all_columns(const JoinPart& part, float* to) {
  const int columns = part.detailed ? part.columns : (part.columns + 1) / 2;
  for (int x = 0; x < columns; x += kStrip) join_columns(part, part.values + x, to + x);
}

// The rows of a part from `top` to before `bottom`, joined and, if there is a filter, filtered along x: what is wanted
// of them, `stride` apart. `values` has them with their columns joined.
void join_rows(const JoinPart& part, float* values, const JoinTarget& to, int top, int bottom, float* made,
               ptrdiff_t stride) {
  alignas(64) float line[kJoinStride + 2 * kLineMargin];
  float* const joined = line + kLineMargin;
  for (int y = top; y < bottom; ++y, made += stride) {
    float* const row = values + static_cast<ptrdiff_t>(y) * kJoinStride;
    if (part.columns > 1) join_row(part, row, joined);
    if (to.filter && part.columns > 1) {
      extend(joined, part.columns);
      filter_line(*to.filter, joined + to.left, 1, made, to.columns);
    } else {
      const float* const from = part.columns > 1 ? joined : row;
      std::memcpy(made, from + to.left, sizeof(float) * static_cast<size_t>(to.columns));
    }
  }
}

}  // namespace

void SMARTSPLAT_JOIN(join_part_, SMARTSPLAT_ISA)(const JoinPart& part, float* scratch, const JoinTarget& to) {
  float* values = part.values;
  if (part.rows > 1) {
    join_all_columns(part, scratch);
    values = scratch;
  }
  if (!to.filter || part.rows < 2) {
    join_rows(part, values, to, to.top, to.top + to.rows, to.values, to.stride);
    return;
  }
  // With the rows around that nodes are made of; they have room where the part was before its columns were joined.
  const int top = std::max(0, to.top - kSharpeningReach);
  const int bottom = std::min(part.rows, to.top + to.rows + kSharpeningReach);
  float* const rows = part.values + kSharpeningReach * kJoinStride;
  join_rows(part, values, to, top, bottom, rows, kJoinStride);
  extend_rows(rows, bottom - top, to.columns, top == 0, bottom == part.rows);
  for (int y = 0; y < to.rows; ++y) {
    filter_line(*to.filter, rows + (to.top - top + y) * kJoinStride, kJoinStride, to.values + y * to.stride,
                to.columns);
  }
}

}  // namespace smartsplat
