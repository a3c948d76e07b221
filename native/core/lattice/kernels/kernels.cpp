// Compiled once for each instruction set, all without joining products and sums, so that all give the same bits.
#include <algorithm>
#include <cstring>

#include "common/isa.h"
#include "common/simd.h"
#include "format/format.h"
#include "lattice/join.h"

namespace smartsplat {

void SMARTSPLAT_JOIN(join_part_, SMARTSPLAT_ISA)(const JoinPart& part, float* scratch, const JoinTarget& to);

namespace {

constexpr float kLowGain = 1 / kLiftingGain, kHighGain = kLiftingGain;
constexpr int kLineMargin = 16;  // floats around a line, for its neighbours, in whole vectors

// Columns of kLanes, in one pass from the top: each step follows the one before as soon as both neighbours are known.
// What a name ends with is the number of steps that a value has seen; beyond the ends samples are mirrored. Without
// details the high half is taken for zeros.
template <bool kDetailed>
void join_columns(const float* from, float* to, int rows) {
  const int low_count = (rows + 1) / 2, high_count = rows / 2;
  const float* const high_from = from + static_cast<ptrdiff_t>(low_count) * kJoinStride;
  const auto put = [&](int row, vf value) { store_unaligned(to + static_cast<ptrdiff_t>(row) * kJoinStride, value); };
  vf high0 = {}, low1 = {}, high2 = {}, low3 = {};
  // Steps 2 and 3 of the pair i, and the last one of the pair before it.
  const auto finish = [&](int i, vf low1_next) {
    const vf high = high0 - kLifting[2] * (low1 + low1_next);
    const vf low = low1 - kLifting[1] * ((i > 0 ? high2 : high) + high);
    put(2 * i, low);
    if (i > 0) put(2 * i - 1, high2 - kLifting[0] * (low3 + low));
    high2 = high;
    low3 = low;
  };
  for (int i = 0; i < low_count; ++i) {
    vf high = {};
    if (kDetailed) {
      high = i < high_count ? load_unaligned(high_from + static_cast<ptrdiff_t>(i) * kJoinStride) * kHighGain : high0;
    }
    const vf low = load_unaligned(from + static_cast<ptrdiff_t>(i) * kJoinStride) * kLowGain -
                   kLifting[3] * ((i > 0 ? high0 : high) + high);
    if (i > 0) finish(i - 1, low);
    high0 = high;
    low1 = low;
  }
  const int last = low_count - 1;
  if (high_count == low_count) {
    finish(last, low1);
    put(rows - 1, high2 - kLifting[0] * (low3 + low3));
  } else {
    const vf low = low1 - kLifting[1] * (high2 + high2);
    put(2 * last, low);
    put(2 * last - 1, high2 - kLifting[0] * (low3 + low));
  }
}

// here[i] -= factor * (others[i - back] + others[i + 1 - back]), mirrored at the ends.
void lift(float* here, const float* others, int count, int other_count, int back, float factor) {
  const auto mirrored = [&](int i) {
    here[i] -= factor * (others[std::max(i - back, 0)] + others[std::min(i + 1 - back, other_count - 1)]);
  };
  const int inside = std::min(count, other_count - 1 + back);
  int i = 0;
  for (; i < std::min(back, count); ++i) mirrored(i);
  for (; i + kLanes <= inside; i += kLanes) {
    store_unaligned(here + i, load_unaligned(here + i) -
                                  factor * (load_unaligned(others + i - back) + load_unaligned(others + i + 1 - back)));
  }
  for (; i < count; ++i) mirrored(i);
}

template <bool kDetailed>
void join_row(float* row, int columns, float* joined) {
  float* const low = row;
  const int low_count = (columns + 1) / 2, high_count = columns / 2;
  float* const high = row + low_count;
  for (int i = 0; i < low_count; ++i) low[i] *= kLowGain;
  for (int i = 0; i < high_count; ++i) high[i] = kDetailed ? high[i] * kHighGain : 0;
  if (kDetailed) lift(low, high, low_count, high_count, 1, kLifting[3]);
  lift(high, low, high_count, low_count, 0, kLifting[2]);
  lift(low, high, low_count, high_count, 1, kLifting[1]);
  lift(high, low, high_count, low_count, 0, kLifting[0]);
  for (int i = 0; i < high_count; ++i) {
    joined[2 * i] = low[i];
    joined[2 * i + 1] = high[i];
  }
  if (columns % 2 != 0) joined[columns - 1] = low[low_count - 1];
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
  for (int x = 0; x < columns; x += kLanes) {
    part.detailed ? join_columns<true>(part.values + x, to + x, part.rows)
                  : join_columns<false>(part.values + x, to + x, part.rows);
  }
}

// The rows of a part from `top` to before `bottom`, joined and, if there is a filter, filtered along x: what is wanted
// of them, `stride` apart. `values` has them with their columns joined.
void join_rows(const JoinPart& part, float* values, const JoinTarget& to, int top, int bottom, float* made,
               ptrdiff_t stride) {
  alignas(64) float line[kJoinStride + 2 * kLineMargin];
  float* const joined = line + kLineMargin;
  for (int y = top; y < bottom; ++y, made += stride) {
    float* const row = values + static_cast<ptrdiff_t>(y) * kJoinStride;
    if (part.columns > 1) {
      part.detailed ? join_row<true>(row, part.columns, joined) : join_row<false>(row, part.columns, joined);
    }
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
