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

// What the values of a band are multiplied by before the steps.
float LevelJoin::gain(bool down, bool across) const {
  const auto along = [this](int side, bool high) {
    if (side_at(side, level - 1) < 2) return 1.0f;  // nothing is joined
    return high ? lifting(level).gain : 1 / lifting(level).gain;
  };
  return along(size.rows, down) * along(size.columns, across);
}

LevelJoin::Work LevelJoin::begin(const Area& block, const AreaValues<const float>& low) const {
  thread_local Buffer<float> memory(2 * size_t{kJoinRows} * kJoinStride);
  const Area joined = joined_area(size, level, block), inner = part_of_joined(joined, false, false);
  float* const part = memory.data();
  const float low_gain = gain(false, false);
  for (int y = 0; y < inner.rows(); ++y) {
    const float* const row = low.at(inner.top + y, inner.left);
    for (int x = 0; x < inner.columns(); ++x) part[y * kJoinStride + x] = row[x] * low_gain;
  }
  const auto band = [&](bool down, bool across) -> Band {
    float* const first = part + (down ? inner.rows() * kJoinStride : 0) + (across ? inner.columns() : 0);
    return {part_of_joined(joined, down, across), first,
            wavelet_factor(spacing, level, down, across) * gain(down, across)};
  };
  return {joined, part, {band(false, true), band(true, false), band(true, true)}};
}

void LevelJoin::end(const Area& block, const Work& work, const AreaValues<float>& to) const {
  const Area& joined = work.joined;
  const auto has = [](const Band& band) { return band.any; };
  const bool detailed = std::any_of(work.bands.begin(), work.bands.end(), has);
  for (const Band& band : work.bands) {
    if (detailed && !band.any) fill_with_zeros(band.to, band.area.rows(), band.area.columns(), kJoinStride);
  }
  join_part({work.values, joined.rows(), joined.columns(), &lifting(level), detailed},
            work.values + size_t{kJoinRows} * kJoinStride,
            {to.at(block.top, block.left), to.stride, block.top - joined.top, block.left - joined.left, block.rows(),
             block.columns(), level == 1 ? &sharpening(spacing) : nullptr});
}

}  // namespace smartsplat
