// What the neighbours of a coefficient know of it: magnitudes and signs of a band's codes, and contexts made of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "coding/coefficients.h"

namespace smartsplat {

// Magnitudes, up to kGreatest, of a band's part in a chunk, with zeros around them, and in a place of its own the sign
// of each: -1, 0 or 1. Rows and columns count from the first of the part. A part begins at twice the row and column of
// the part above it, so halving them leads there.
class Magnitudes {
 public:
  static constexpr int kGreatest = 15;

  Magnitudes() = default;
  Magnitudes(int rows, int columns)
      : rows_(rows),
        columns_(columns),
        stride_(static_cast<size_t>(columns) + 3),
        known_((static_cast<size_t>(rows) + 2) * stride_),
        signs_(known_.size()) {}

  uint8_t* at(int y, int x) { return known_.data() + offset(y, x); }
  const uint8_t* at(int y, int x) const { return known_.data() + offset(y, x); }
  const int8_t* signs(int y, int x) const { return signs_.data() + offset(y, x); }
  ptrdiff_t stride() const { return static_cast<ptrdiff_t>(stride_); }
  // One that is not zero yet, at most kGreatest.
  void put(int y, int x, int magnitude, bool negative) {
    const size_t place = offset(y, x);
    known_[place] = static_cast<uint8_t>(magnitude);
    signs_[place] = negative ? -1 : 1;
  }

  int columns() const { return columns_; }

  // The row above a row of the next finer band; null if there is none.
  const uint8_t* row_above(int y) const {
    if (rows_ == 0 || columns_ == 0) return nullptr;
    return at(std::min(y / 2, rows_ - 1), 0);
  }

 private:
  size_t offset(int y, int x) const { return static_cast<size_t>(y + 2) * stride_ + static_cast<size_t>(x + 2); }

  int rows_ = 0, columns_ = 0;
  size_t stride_ = 0;
  std::vector<uint8_t> known_;
  std::vector<int8_t> signs_;
};

// What a coefficient's models depend on.
struct CoefficientContext {
  static constexpr int kActivities = 12, kFew = 3;
  int activity;   // of the coefficients before it in its band
  int parent;     // of the one above it, up to 2
  int luma;       // of those at its place in the planes before, up to 2
  int quantiser;  // that it has

  int few() const { return parent * kFew + luma; }
};

// The model of a sign, by the signs of coefficients before it. All of them negated mean the same of a negated
// coefficient, so such contexts share a model.
class SignContext {
 public:
  static constexpr size_t kModels = 41;

  // Of the coefficient to the left and of the upper one, and what others add.
  constexpr SignContext(int left, int upper, int others) : number_(27 * left + 9 * upper + others) {}

  constexpr size_t model() const { return static_cast<size_t>(number_ < 0 ? -number_ : number_); }
  // What the model codes of a sign, and the other way round.
  constexpr int turned(int negative) const { return negative ^ static_cast<int>(number_ < 0); }

 private:
  int number_;
};

// Where the third sign of the first plane's contexts stands, from a coefficient on.
template <Orientation kOrientation>
constexpr ptrdiff_t third_sign(ptrdiff_t up) {
  return kOrientation == kHL ? 2 * up : -2;
}

// The activity of a weighted sum of magnitudes.
constexpr int kGreatestSum = 8 * Magnitudes::kGreatest;
inline constexpr auto kActivityOf = [] {
  constexpr std::array<int, CoefficientContext::kActivities> first = {0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 23, 36};
  std::array<uint8_t, kGreatestSum + 1> table{};
  for (size_t i = 0; i < first.size(); ++i) {
    for (size_t sum = static_cast<size_t>(first[i]); sum < table.size(); ++sum) table[sum] = static_cast<uint8_t>(i);
  }
  return table;
}();

inline int activity_of(int sum) { return kActivityOf[static_cast<size_t>(sum)]; }

// The bands around one, where they are known: of the same orientation one level up, and in the planes before.
struct Surroundings {
  const Magnitudes* parent;
  const Magnitudes* first;   // null in the first plane
  const Magnitudes* second;  // null but in the third
  Magnitudes* own;
};

// Contexts of the coefficients of one row of a band.
template <Orientation kOrientation>
class RowContexts {
 public:
  RowContexts(const Surroundings& around, int y)
      : own_(around.own->at(y, 0)),
        up_(-around.own->stride()),
        parent_(around.parent->row_above(y)),
        last_parent_(around.parent->columns() - 1),
        first_(around.first ? around.first->at(y, 0) : nullptr),
        second_(around.second ? around.second->at(y, 0) : nullptr),
        signs_(around.own->signs(y, 0)),
        first_signs_(around.first ? around.first->signs(y, 0) : nullptr),
        second_signs_(around.second ? around.second->signs(y, 0) : nullptr) {}

  // What the coefficients of the row above add to the activity.
  int sum_above(int x) const {
    const uint8_t* const up = own_ + x + up_;
    const int sides = up[-1] + up[1];
    if (kOrientation == kHL) return 3 * up[0] + sides + up[up_];
    return 2 * up[0] + (kOrientation == kHH ? 2 * sides : sides);
  }

  // What does not depend on the band itself.
  CoefficientContext beyond(int x) const {
    const int parent = parent_ ? parent_[std::min(x / 2, last_parent_)] : 0;
    const int luma = (first_ ? first_[x] : 0) + (second_ ? 2 * second_[x] : 0);
    return {0, std::min(parent, 2), std::min(luma, 2), 0};
  }

  SignContext sign(int x) const {
    const int8_t* const here = signs_ + x;
    return SignContext(here[-1], here[up_], first_signs_ ? signs_beyond(x) : 3 * here[third_sign<kOrientation>(up_)]);
  }

  // What the planes before add to the context of a sign.
  int signs_beyond(int x) const {
    return first_signs_ ? 3 * first_signs_[x] + (second_signs_ ? second_signs_[x] : 0) : 0;
  }

 private:
  const uint8_t* own_;
  ptrdiff_t up_;
  const uint8_t* parent_;
  int last_parent_;
  const uint8_t *first_, *second_;
  const int8_t *signs_, *first_signs_, *second_signs_;
};

// What is known of the contexts of a block's coefficients in one row before any of them is.
template <Orientation kOrientation>
class BlockRow {
 public:
  BlockRow(const RowContexts<kOrientation>& row, int left, int columns) {
    const auto look = [&](int count) {
      for (int i = 0; i < count; ++i) sums_[i] = static_cast<uint8_t>(row.sum_above(left + i));
      for (int i = 0; i < count; ++i) few_[i] = static_cast<uint8_t>(row.beyond(left + i).few());
    };
    columns == kBlock ? look(kBlock) : look(columns);
  }

  // By the magnitudes to the left, the nearer one first.
  int activity(int i, int left, int further) const {
    return activity_of(sums_[i] + (kOrientation == kLH ? 3 * left + further : 2 * left));
  }
  int few(int i) const { return few_[i]; }

 private:
  uint8_t sums_[kBlock], few_[kBlock];
};

// How many of some magnitudes in a row are not zero; most are. `count` is at most 8.
inline int count_in_row(const uint8_t* row, int count) {
  uint64_t all = 0;
  std::memcpy(&all, row, static_cast<size_t>(count));
  if (all == 0) return 0;
  int found = 0;
  for (int x = 0; x < count; ++x) found += row[x] != 0;
  return found;
}

// 0, 1 or 2: none, one, or more of the magnitudes in an area are not zero.
inline int count_up_to_two(const Magnitudes& known, const Area& area) {
  int count = 0;
  for (int y = area.top; y < area.bottom && count < 2; ++y) {
    const uint8_t* const row = known.at(y, area.left);
    count += area.columns() == kBlock ? count_in_row(row, kBlock) : count_in_row(row, area.columns());
  }
  return std::min(count, 2);
}

// The same of those above every second row and column of the area.
inline int count_above(const Magnitudes& parent, const Area& area) {
  const int left = area.left / 2, columns = (area.columns() + 1) / 2;
  int count = 0;
  for (int y = area.top; y < area.bottom && count < 2; y += 2) {
    const uint8_t* const row = parent.row_above(y);
    if (!row) return 0;
    if (left + columns <= parent.columns()) {
      count += columns == kBlock / 2 ? count_in_row(row + left, kBlock / 2) : count_in_row(row + left, columns);
    } else {
      for (int x = left; x < left + columns; ++x) count += row[std::min(x, parent.columns() - 1)] != 0;
    }
  }
  return std::min(count, 2);
}

}  // namespace smartsplat
