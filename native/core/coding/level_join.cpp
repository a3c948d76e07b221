#include "coding/level_join.h"

#include "common/memory.h"

namespace smartsplat {
namespace {

// What of the low or the high half of a line the samples from the first to before that place are made of.
int half(int place, bool high) { return high ? place / 2 : (place + 1) / 2; }

}  // namespace

Area joined_area(const LatticeSize& size, int level, const Area& wanted) {
  const int margin = lifting(level).reach + (level == 1 ? kSharpeningReach : 0);
  const auto from = [margin](int first) { return std::max(0, first - margin) & ~1; };
  return {from(wanted.top), from(wanted.left), std::min(side_at(size.rows, level - 1), wanted.bottom + margin),
          std::min(side_at(size.columns, level - 1), wanted.right + margin)};
}

Area part_of_joined(const Area& joined, bool down, bool across) {
  return {joined.top / 2, joined.left / 2, half(joined.bottom, down), half(joined.right, across)};
}

std::vector<Area> join_blocks(const Area& area) {
  std::vector<Area> blocks;
  for (int top = area.top; top < area.bottom; top += kJoinedSide) {
    for (int left = area.left; left < area.right; left += kJoinedSide) {
      blocks.push_back({top, left, std::min(top + kJoinedSide, area.bottom), std::min(left + kJoinedSide, area.right)});
    }
  }
  return blocks;
}

void copy_band(const BandPlace& from, int plane, const Area& area, float* to, ptrdiff_t stride, float factor) {
  for (int y = area.top; y < area.bottom; ++y, to += stride) {
    const int32_t* row = from.row(plane, y, area.left);
    for (int x = 0; x < area.columns(); ++x) to[x] = static_cast<float>(row[x]) * factor;
  }
}

float* LevelJoin::memory() const {
  thread_local Buffer<float> memory(2 * size_t{kJoinRows} * kJoinStride);
  return memory.data();
}

}  // namespace smartsplat
