#include "decoder/splat_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace smartsplat {
namespace {

constexpr double kSplatsPerSquare = 4;  // of the finest grid, about
constexpr double kMargin = 1;           // px of the view, for rounding

int clamp_cell(double place, int log, int count) {
  const double cell = std::floor(std::ldexp(place, -log));
  return static_cast<int>(std::clamp(cell, 0.0, static_cast<double>(count - 1)));
}

}  // namespace

bool SplatIndex::Area::meets(const Circle& circle, double more) const {
  const double reach = circle.reach + more;
  return circle.x + reach >= left && circle.x - reach <= right && circle.y + reach >= top && circle.y - reach <= bottom;
}

SplatIndex::SplatIndex(const SplatRows& splats, int width, int height)
    : width_(width), height_(height), circles_(splats.count) {
  const double area = static_cast<double>(width) * height;
  const double least_side = std::sqrt(kSplatsPerSquare * area / static_cast<double>(std::max<size_t>(splats.count, 1)));
  const int finest = std::max(0, static_cast<int>(std::ceil(std::log2(least_side))));
  const int coarsest = static_cast<int>(std::bit_width(static_cast<unsigned>(std::max(width, height))));
  const double radius = std::sqrt(kSupportRadius2);
  std::array<std::vector<uint32_t>, 64> members;  // by the octave
  for (size_t i = 0; i < splats.count; ++i) {
    const float* p = splats[i];
    const double reach = radius * std::max(std::abs(p[kScaleX]), std::abs(p[kScaleY])) * (1 + 1e-6);
    if (!std::isfinite(reach) || !std::isfinite(p[kCentreX]) || !std::isfinite(p[kCentreY])) continue;
    circles_[i] = {p[kCentreX], p[kCentreY], std::nextafter(static_cast<float>(reach), INFINITY)};
    const int log = static_cast<int>(std::ceil(std::log2(std::max(reach, 1e-3))));
    members[static_cast<size_t>(std::clamp(log, finest, std::max(finest, coarsest)))].push_back(
        static_cast<uint32_t>(i));
  }
  for (size_t log = 0; log < members.size(); ++log) {
    if (!members[log].empty()) grids_.push_back(make_grid(static_cast<int>(log), members[log]));
  }
}

size_t SplatIndex::square_of(const Grid& grid, const Circle& circle) const {
  const int column = clamp_cell(circle.x, grid.log, grid.columns), row = clamp_cell(circle.y, grid.log, grid.rows);
  return static_cast<size_t>(row) * static_cast<size_t>(grid.columns) + static_cast<size_t>(column);
}

SplatIndex::Grid SplatIndex::make_grid(int log, const std::vector<uint32_t>& members) const {
  Grid grid;
  grid.log = log;
  grid.columns = ((width_ - 1) >> log) + 1;
  grid.rows = ((height_ - 1) >> log) + 1;
  grid.starts.assign(static_cast<size_t>(grid.columns) * static_cast<size_t>(grid.rows) + 1, 0);
  grid.ids.resize(members.size());
  for (const uint32_t id : members) {
    ++grid.starts[square_of(grid, circles_[id]) + 1];
    grid.reach = std::max<double>(grid.reach, circles_[id].reach);
  }
  for (size_t k = 1; k < grid.starts.size(); ++k) grid.starts[k] += grid.starts[k - 1];
  std::vector<uint32_t> next(grid.starts.begin(), grid.starts.end() - 1);
  for (const uint32_t id : members) grid.ids[next[square_of(grid, circles_[id])]++] = id;
  return grid;
}

std::vector<uint32_t> SplatIndex::seen_by(const View& view) const {
  const double down = view.zoom * view.aspect;
  const Area area{view.left, view.top, view.left + view.width / view.zoom, view.top + view.height / down};
  // Blur adds to the variance, and the root of a sum is at most the sum of the roots.
  const double more = (std::sqrt(kSupportRadius2 * view.blur) + kMargin) / std::min(view.zoom, down);
  std::vector<uint64_t> marks((circles_.size() + 63) / 64);
  size_t count = 0;
  for (const Grid& grid : grids_) {
    const double reach = grid.reach + more;
    const int left = clamp_cell(area.left - reach, grid.log, grid.columns),
              right = clamp_cell(area.right + reach, grid.log, grid.columns),
              top = clamp_cell(area.top - reach, grid.log, grid.rows),
              bottom = clamp_cell(area.bottom + reach, grid.log, grid.rows);
    for (int row = top; row <= bottom; ++row) {
      const size_t squares = static_cast<size_t>(row) * static_cast<size_t>(grid.columns);
      const size_t end = grid.starts[squares + static_cast<size_t>(right) + 1];
      for (size_t k = grid.starts[squares + static_cast<size_t>(left)]; k < end; ++k) {
        const uint32_t id = grid.ids[k];
        if (!area.meets(circles_[id], more)) continue;
        marks[id / 64] |= uint64_t{1} << id % 64;
        ++count;
      }
    }
  }
  std::vector<uint32_t> ids;
  ids.reserve(count);
  for (size_t word = 0; word < marks.size(); ++word) {
    for (uint64_t bits = marks[word]; bits; bits &= bits - 1) {
      ids.push_back(static_cast<uint32_t>(64 * word) + static_cast<uint32_t>(std::countr_zero(bits)));
    }
  }
  return ids;
}

}  // namespace smartsplat
