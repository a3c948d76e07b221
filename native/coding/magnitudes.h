// What the neighbours of a coefficient know of it: magnitudes of a band, and contexts made of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace smartsplat {

// Along which axes a band of the wavelet transform is a high one.
enum Orientation { kHorizontal, kVertical, kDiagonal };

// Some rows of a band's magnitudes, up to kGreatest, with zeros around them.
class Magnitudes {
 public:
  static constexpr int kGreatest = 15;

  Magnitudes() = default;
  Magnitudes(int first_row, int rows, int columns)
      : first_row_(first_row),
        rows_(rows),
        columns_(columns),
        stride_(static_cast<size_t>(columns) + 3),
        known_((static_cast<size_t>(rows) + 2) * stride_) {}

  // y counts from the band's own first row, as it does everywhere here.
  uint8_t* at(int y, int x) { return known_.data() + offset(y, x); }
  const uint8_t* at(int y, int x) const { return known_.data() + offset(y, x); }
  ptrdiff_t stride() const { return static_cast<ptrdiff_t>(stride_); }
  void put(int y, int x, int value) { *at(y, x) = static_cast<uint8_t>(std::min(std::abs(value), kGreatest)); }

  // The magnitude that a coefficient of the next finer band has above it; 0 if there is none.
  int above(int y, int x) const {
    if (rows_ == 0 || columns_ == 0) return 0;
    return *at(std::clamp(y / 2, first_row_, first_row_ + rows_ - 1), std::min(x / 2, columns_ - 1));
  }

 private:
  size_t offset(int y, int x) const {
    return static_cast<size_t>(y - first_row_ + 2) * stride_ + static_cast<size_t>(x + 2);
  }

  int first_row_ = 0, rows_ = 0, columns_ = 0;
  size_t stride_ = 0;
  std::vector<uint8_t> known_;
};

// Rows and columns of a band, from first to before end.
struct Area {
  int top, left, bottom, right;
};

// What a coefficient's models depend on.
struct CoefficientContext {
  static constexpr int kActivities = 12, kFew = 3;
  int activity;  // of the coefficients before it in its band
  int parent;    // of the one above it, up to 2
  int luma;      // of those at its place in the planes before, up to 2
};

// The bands around one, where they are known: of the same orientation one level up, and in the planes before.
struct Surroundings {
  const Magnitudes* parent;
  const Magnitudes* first;   // null in the first plane
  const Magnitudes* second;  // null but in the third
  Magnitudes* own;
};

inline CoefficientContext context_at(const Surroundings& around, Orientation orientation, int y, int x) {
  constexpr int kWidest = 36;
  static constexpr auto kTable = [] {
    constexpr std::array<int, CoefficientContext::kActivities> first = {0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 23, kWidest};
    std::array<uint8_t, kWidest + 1> table{};
    for (size_t i = 0; i < first.size(); ++i) {
      for (size_t sum = static_cast<size_t>(first[i]); sum < table.size(); ++sum) table[sum] = static_cast<uint8_t>(i);
    }
    return table;
  }();
  const uint8_t* here = around.own->at(y, x);
  const ptrdiff_t up = -around.own->stride();
  const int w = here[-1], n = here[up], nw = here[up - 1], ne = here[up + 1];
  int sum = 2 * (w + n) + nw + ne;
  if (orientation == kHorizontal) sum += n + here[2 * up];
  if (orientation == kVertical) sum += w + here[-2];
  if (orientation == kDiagonal) sum += nw + ne;
  const int luma = (around.first ? *around.first->at(y, x) : 0) + (around.second ? 2 * *around.second->at(y, x) : 0);
  return {kTable[static_cast<size_t>(std::min(sum, kWidest))], std::min(around.parent->above(y, x), 2),
          std::min(luma, 2)};
}

// 0, 1 or 2: none, one, or more of the magnitudes in an area are not zero.
inline int count_up_to_two(const Magnitudes& known, const Area& area) {
  int count = 0;
  for (int y = area.top; y < area.bottom; ++y) {
    const uint8_t* row = known.at(y, 0);
    for (int x = area.left; x < area.right; ++x) count += row[x] != 0;
  }
  return std::min(count, 2);
}

// The same of those above every second row and column of the area.
inline int count_above(const Magnitudes& parent, const Area& area) {
  int count = 0;
  for (int y = area.top; y < area.bottom; y += 2) {
    for (int x = area.left; x < area.right; x += 2) count += parent.above(y, x) != 0;
  }
  return std::min(count, 2);
}

}  // namespace smartsplat
