#include "coding/lattice_rows.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace smartsplat {
namespace {

// Nodes that are not known though the squares they lie in are: neighbours at two levels, and those of the filter.
constexpr int kMargin = 4 * kJoinMargin + 2 * kSharpeningReach;

Area low_area(const LatticeSize& size, int level) {
  return {0, 0, side_at(size.rows, level), side_at(size.columns, level)};
}

}  // namespace

LatticeRows::LatticeRows(const LatticeHead& head, ChunkSource source, int behind, const Parallel& parallel)
    : head_(head),
      source_(std::move(source)),
      coarse_(head, low_area(head.size(), kLevels), kLevels),
      coarse_bands_(coarse_.read_bands(source_, nullptr, parallel)),
      low_(static_cast<size_t>(head.size().planes) * static_cast<size_t>(coarse_.values().rows()) *
           static_cast<size_t>(coarse_.values().columns())),
      squares_(head.chunks.tiers().squares(0)) {
  coarse_.join(coarse_bands_, low_.data(), parallel);
  const int log = squares_.log - static_cast<int>(std::countr_zero(static_cast<unsigned>(head.shape.spacing)));
  for (int level = 1; level <= kLevels; ++level) {
    for (const Orientation orientation : {kHL, kLH, kHH}) {
      const Area all = band_area(head.size(), level, orientation);
      const ptrdiff_t size = ptrdiff_t{all.columns()} * std::min(1 << (log - level), all.rows());
      bands_.push_back({log - level, all.columns(), row_size_, size});
      row_size_ += head.size().planes * size;
    }
  }
  kept_ = rows_to_keep(behind);
  memory_ = Buffer<int32_t>(static_cast<size_t>(kept_) * static_cast<size_t>(row_size_));
  finest_ = memory_.data();
  filled_.resize(static_cast<size_t>(kept_) * squares_.columns);
}

int LatticeRows::known_after(int rows) const {
  if (rows == static_cast<int>(squares_.rows)) return head_.size().rows;
  return std::max(0, (rows << (band(1, kHL).log + 1)) - kMargin);
}

// So that the first node that may be joined has what it is made of, while the row after the last known is read. It is
// the same for all rows but those near the top, which need none above it.
int LatticeRows::rows_to_keep(int behind) const {
  int most = 1;
  for (int rows = 1, first = 0; rows < static_cast<int>(squares_.rows) && first == 0; ++rows) {
    const int top = std::max(0, known_after(rows - 1) - behind);
    first = LatticeRegion(head_, {top, 0, top + 1, head_.size().columns}).finest_squares().top;
    most = std::max(most, rows + 1 - first);
  }
  return most;
}

void LatticeRows::advance(bool read, size_t count, const std::function<void(size_t)>& body, const Parallel& parallel) {
  const size_t squares = read && read_ < static_cast<int>(squares_.rows) ? static_cast<size_t>(squares_.columns) : 0;
  parallel.for_each(squares + count, [&](size_t i) {
    i < squares ? read_square(read_, static_cast<int>(i), parallel) : body(i - squares);
  });
  read_ += squares > 0;
}

BandPlace LatticeRows::place(int row, int level, Orientation orientation) const {
  const Band& b = band(level, orientation);
  const ptrdiff_t start = static_cast<ptrdiff_t>(slot(row)) * row_size_ + b.first;
  return {finest_, b.columns, b.size, start - (ptrdiff_t{row} << b.log) * b.columns};
}

void LatticeRows::read_square(int row, int column, const Parallel& parallel) {
  std::vector<BandPlace> bands((static_cast<size_t>(head_.chunks.levels()) + 1) * kOrientations);
  for (int level = 1; level <= head_.chunks.levels(); ++level) {
    for (const Orientation orientation : {kHL, kLH, kHH}) {
      bands[static_cast<size_t>(level * kOrientations + orientation)] =
          level <= kLevels ? place(row, level, orientation) : coarse_bands_.places.band(level, orientation);
    }
  }
  FilledBands& filled = filled_[slot(row) * squares_.columns + static_cast<size_t>(column)];
  filled = {};
  const Place place{0, column, row};
  decode_lattice_chunk(source_(head_.chunks.tiers().chunk(place)), head_.chunks, place, Coefficients(std::move(bands)),
                       filled, parallel);
}

// A part of a band times a factor, in rows that are kJoinStride apart; false if all of it is zero.
bool LatticeRows::copy(int level, int plane, Orientation orientation, const Area& area, float* to, float factor) const {
  if (area.empty()) return false;
  const int log = band(level, orientation).log;
  const auto for_squares = [&](auto use) {
    for (int row = area.top >> log; row <= (area.bottom - 1) >> log; ++row) {
      for (int column = area.left >> log; column <= (area.right - 1) >> log; ++column) {
        const FilledBands& filled = filled_[slot(row) * squares_.columns + static_cast<size_t>(column)];
        const Area part{std::max(area.top, row << log), std::max(area.left, column << log),
                        std::min(area.bottom, (row + 1) << log), std::min(area.right, (column + 1) << log)};
        use(row, part, filled.has(level, plane, orientation));
      }
    }
  };
  bool any = false;
  for_squares([&](int, const Area&, bool filled) { any = any || filled; });
  if (!any) return false;
  for_squares([&](int row, const Area& part, bool filled) {
    float* const first = to + ptrdiff_t{part.top - area.top} * kJoinStride + (part.left - area.left);
    if (filled) return copy_band(place(row, level, orientation), plane, part, first, kJoinStride, factor);
    fill_with_zeros(first, part.rows(), part.columns(), kJoinStride);
  });
  return true;
}

void LatticeRows::join_plane(int plane, const Area& area, const AreaValues<float>& to) const {
  const Area &all = coarse_.values(), middle = part_of_joined(joined_area(head_.size(), 1, area), false, false);
  const auto join = [&](int level, const Area& block, const AreaValues<const float>& low,
                        const AreaValues<float>& made) {
    LevelJoin{head_.size(), level, head_.shape.spacing}.join(
        block, low, made, [&](Orientation orientation, const Area& part, float* values, float factor) {
          return copy(level, plane, orientation, part, values, factor);
        });
  };
  constexpr int kStride = kJoinStride / 2 + 16;
  thread_local Buffer<float> memory(size_t{kStride} * kStride);
  const AreaValues<float> low{memory.data(), middle, kStride};
  const size_t coarse = static_cast<size_t>(all.rows()) * static_cast<size_t>(all.columns());
  join(2, middle, {low_.data() + static_cast<size_t>(plane) * coarse, all, all.columns()}, low);
  join(1, area, {low.values, middle, kStride}, to);
}

void LatticeRows::join(const Area& area, float* colours, ptrdiff_t stride, ptrdiff_t plane) const {
  for (int p = 0; p < 3; ++p) {
    float* const values = colours + p * plane;
    if (p < head_.size().planes) {
      join_plane(p, area, {values, area, stride});
    } else {
      fill_with_zeros(values, area.rows(), area.columns(), stride);
    }
  }
  mix_colours({colours, area.rows(), area.columns(), stride, plane}, head_.shape.spacing, head_.step_index,
              Parallel{1, nullptr});
}

void read_lattice_values(const ChunkSource& source, const LatticeHead& head, float* values, const Parallel& parallel) {
  const LatticeSize& size = head.size();
  if (!LatticeRows::serves(head)) {
    LatticeRegion(head, {0, 0, size.rows, size.columns}).read(source, nullptr, values, parallel);
    return;
  }
  LatticeRows rows(head, source, 0, parallel);
  for (int done = 0; done < size.rows;) {
    const int known = rows.known();
    const std::vector<Area> blocks = join_blocks({done, 0, known, size.columns});
    rows.advance(
        true, blocks.size(),
        [&](size_t i) {
          const Area& block = blocks[i];
          rows.join(block, values + ptrdiff_t{block.top} * size.columns + block.left, size.columns,
                    static_cast<ptrdiff_t>(size.plane()));
        },
        parallel);
    done = known;
  }
}

}  // namespace smartsplat
