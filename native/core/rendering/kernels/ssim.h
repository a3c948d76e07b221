// The paper's loss of a block and its gradient: the absolute error, and SSIM under an 11-tap Gaussian window of sigma
// 1.5 with zeros beyond the picture ("same"). What is compared and where the gradient goes is the matter of `Rows`.
//
// With p and q the window means of the pictures x and y, m = p - q, d = x - y, v = E[d^2] - m^2 and the denominators
// B1 = p^2 + q^2 + C1 and B2 = E[x^2 + y^2] - p^2 - q^2 + C2, S = (B1 - m^2) (B2 - v) / (B1 B2): what is small where
// the pictures agree comes of no difference of great numbers. Its derivatives by p, E[x^2 + y^2] and E[d^2] are
// windowed back onto the pixels: the window is symmetric.
//
// All windows are taken along rows first. Rows go through rings of as many as the window down the columns needs, so
// that nothing leaves the cache near the core; rows are dealt to the lanes (dealing.h), so that nothing is shifted.
#pragma once

#include "rendering/kernels/dealing.h"
#include "rendering/kernels/pixels.h"
#include "rendering/kernels/window.h"

namespace {

using smartsplat::Band;
using smartsplat::kSsimHalo;
using smartsplat::SsimBlock;
using smartsplat::SsimPictures;
using smartsplat::SsimTerms;

constexpr float kC1 = 0.01f * 0.01f, kC2 = 0.03f * 0.03f;
constexpr int kGroup = smartsplat::kSsimGroup;
constexpr int kRing = kGroup + kSsimHalo;  // rows from which a group of window means is made
constexpr int kFields = 4;                 // x, y, x^2 + y^2, (x - y)^2
constexpr int kSlopes = 3;                 // dS/dp / 2, dS/dE[x^2 + y^2], -dS/dE[(x - y)^2]

// 1 / value for a positive value.
inline vf reciprocal(vf value) {
#if defined(__AVX512F__)
  const vf near = reinterpret_cast<vf>(_mm512_rcp14_ps(reinterpret_cast<__m512>(value)));
  return near + near * (1 - value * near);
#else
  return 1 / value;
#endif
}

inline vf magnitude(vf value) { return reinterpret_cast<vf>(reinterpret_cast<vi>(value) & 0x7fffffff); }

// 1, 0 or -1.
inline vf sign(vf value) {
  const vi one = reinterpret_cast<vi>(splat(1));
  return where(value != splat(0), reinterpret_cast<vf>((reinterpret_cast<vi>(value) & ~0x7fffffff) | one));
}

inline int ring_place(int row) { return (row + kRing) % kRing; }

// Calls take(x, pixels, count) for the parts of a row of pixels, from `begin` to before `end`, that tiles have.
template <class Take>
inline void for_parts(const Band& band, int channel, int y, int begin, int end, Take take) {
  using smartsplat::kBandPlane, smartsplat::kTileSize;
  const ptrdiff_t first = static_cast<ptrdiff_t>(y / kTileSize % band.rows) * band.columns;
  for (int x = begin; x < end;) {
    const int column = x / kTileSize, stop = (column + 1) * kTileSize < end ? (column + 1) * kTileSize : end;
    float* const plane = band.tiles + ((first + column) * 3 + channel) * kBandPlane;
    take(x, plane + y % kTileSize * kTileSize + x % kTileSize, stop - x);
    x = stop;
  }
}

// Means along a row of `length` vectors with room for kSsimRadius more at both ends, which are filled here.
inline void window_along(float* row, int length, float* out, int step) {
  fill_margins(row, length, kSsimRadius);
  const auto means = [=]<int kCount>(std::integral_constant<int, kCount>, int i) {
    window_means<kCount>([=](int k) { return row + (i + k) * kLanes; }, [=](int k) { return out + (i + k) * step; });
  };
  int i = 0;
  for (; i + 8 <= length; i += 8) means(std::integral_constant<int, 8>{}, i);
  for (; i < length; i += 2) means(std::integral_constant<int, 2>{}, i + 2 <= length ? i : i - 1);
}

// One row of every ring and the rows in between, in the caller's memory.
struct SsimRoom {
  SsimRoom(float* memory, int length) : row(length * kLanes), wide((length + 2 * kSsimRadius) * kLanes) {
    const auto take = [&memory](int size) { return (memory += size) - size; };
    pictures = take(kRing * 2 * wide);
    fields = take(2 * wide);
    means = take(kRing * kFields * row);
    slopes = take(kGroup * kSlopes * wide);
    back = take(kRing * kSlopes * row);
    gradient = take(kGroup * row);
    inside = take(row);
    core = take(row);
    values = take(row);
    line = take(row);
  }
  int row, wide;             // floats of a row, and with room at its ends
  float *pictures, *fields;  // x and y, wide; x^2 + y^2 and (x - y)^2, wide
  float* means;              // of the fields along the rows; those of a place lie side by side
  float *slopes, *back;      // wide; the same along the rows, side by side
  float* gradient;
  float *inside, *core;  // 1 where a column is in the picture, or in the block, else 0
  float *values, *line;  // in the order of pixels
};

// Drawn tiles, whose sums are clamped to [0, 1], against a picture of 8 bits.
class BandRows {
 public:
  using Goal = uint8_t;
  BandRows(const Band& sums, const Target& target, const Band& gradient)
      : width(target.width), height(target.height), sums_(sums), target_(target), gradient_(gradient) {}

  void fetch(int channel, int y, int begin, int end, float* values, Goal* goals) const {
    for_parts(sums_, channel, y, begin, end, [=](int x, const float* from, int count) {
      std::memcpy(values + x - begin, from, sizeof(float) * static_cast<size_t>(count));
    });
    std::memcpy(goals, target_.row<Goal>(channel, y) + begin, static_cast<size_t>(end - begin));
  }
  template <class Take>
  static void deal_goals(const Goal* goals, int length, Take take) {
    deal_bytes(goals, length, [=](int i, vf value) { take(i, value * kToUnit); });
  }
  vf shown(vf sums) const { return clamp_unit(sums); }
  void put(int channel, int y, int begin, int end, const float* slopes) const {
    for_parts(sums_, channel, y, begin, end, [=, this](int x, const float* sums, int count) {
      for_parts(gradient_, channel, y, x, x + count,
                [=](int, float* out, int) { keep_unclamped(slopes + x - begin, sums, count, out); });
    });
  }

  const int width, height;

 private:
  // Nothing where the sums are clamped.
  static void keep_unclamped(const float* slopes, const float* sums, int count, float* out) {
    int x = 0;
    for (; x + kLanes <= count; x += kLanes) {
      const vf value = load(sums + x);
      store(out + x, where((value >= splat(0)) & (value <= splat(1)), load_unaligned(slopes + x)));
    }
    for (; x < count; ++x) out[x] = sums[x] >= 0 && sums[x] <= 1 ? slopes[x] : 0.0f;
  }

  const Band& sums_;
  const Target& target_;
  const Band& gradient_;
};

// Pictures of floats, as they are or clamped.
class PictureRows {
 public:
  using Goal = float;
  explicit PictureRows(const SsimPictures& pictures)
      : width(pictures.width), height(pictures.height), pictures_(pictures) {}

  void fetch(int channel, int y, int begin, int end, float* values, Goal* goals) const {
    const float *from = pictures_.picture + at(channel, y, begin), *goal = pictures_.target + at(channel, y, begin);
    const ptrdiff_t step = pictures_.channels;
    for (int i = 0; i < end - begin; ++i) {
      values[i] = from[i * step];
      goals[i] = goal[i * step];
    }
  }
  template <class Take>
  static void deal_goals(const Goal* goals, int length, Take take) {
    deal(goals, length, take);
  }
  vf shown(vf sums) const { return pictures_.clamped ? clamp_unit(sums) : sums; }
  void put(int channel, int y, int begin, int end, const float* slopes) const {
    const float* const from = pictures_.picture + at(channel, y, begin);
    float* const out = pictures_.gradient + at(channel, y, begin);
    const ptrdiff_t step = pictures_.channels;
    const bool all = !pictures_.clamped;
    for (int i = 0; i < end - begin; ++i) {
      const float value = from[i * step];
      out[i * step] = all || (value >= 0 && value <= 1) ? slopes[i] : 0.0f;
    }
  }

  const int width, height;

 private:
  ptrdiff_t at(int channel, int y, int x) const {
    return (static_cast<ptrdiff_t>(y) * width + x) * pictures_.channels + channel;
  }

  const SsimPictures& pictures_;
};

template <class Rows>
class SsimPass {
 public:
  SsimPass(const Rows& rows, const SsimBlock& block, const SsimTerms& scales, float* memory)
      : rows_(rows),
        block_(block),
        by_error_(static_cast<float>(scales.absolute)),
        by_ssim_(static_cast<float>(2 * scales.ssim)),
        halo_(block.width == rows.width ? 0 : kSsimHalo),
        length_(vectors(block.width + 2 * halo_)),
        room_(memory, length_) {
    const int left = block.left - halo_, columns = length_ * kLanes;
    head_ = left < 0 ? -left : 0;
    tail_ = rows.width - left < columns ? rows.width - left : columns;
    for (int column = 0; column < columns; ++column) {
      const int at = column % length_ * kLanes + column / length_;
      room_.inside[at] = column >= head_ && column < tail_ ? 1.0f : 0.0f;
      room_.core[at] = column >= halo_ && column < halo_ + block.width ? 1.0f : 0.0f;
    }
    std::memset(room_.values, 0, sizeof(float) * columns);
    std::memset(goals_, 0, sizeof goals_);
  }

  // Row r of the block depends on rows r to r + 10 of the slopes, and they on rows r to r + 20 of the pictures, both
  // counted from where the block's halo begins. The first group of slopes is filled up with rows before that.
  SsimTerms run() {
    constexpr int kLead = (kSsimHalo + kGroup - 1) / kGroup * kGroup - kSsimHalo;
    int taken = -kLead;
    SsimTerms total{};
    fetch_row(block_.top - kSsimHalo + taken);
    for (int row = -kLead; row - kSsimHalo < block_.height; row += kGroup) {
      for (; taken < row + kRing; ++taken) take_row(taken);
      total.ssim += differentiate(row);
      if (row >= kSsimHalo) total.absolute += make_rows(row - kSsimHalo);
    }
    return total;
  }

 private:
  static int vectors(int columns) {
    const int length = (columns + kLanes - 1) / kLanes;
    return length > kSsimRadius ? length : kSsimRadius;
  }
  bool in_picture(int y) const { return y >= 0 && y < rows_.height; }
  float* picture(int row) const { return room_.pictures + ring_place(row) * 2 * room_.wide; }
  float* means(int row) const { return room_.means + ring_place(row) * kFields * room_.row; }
  float* back(int row) const { return room_.back + ring_place(row) * kSlopes * room_.row; }

  // Copies row y of both pictures. This is done while the row before is still at work: a vector that is read right
  // after its parts were written has to wait for them.
  void fetch_row(int y) {
    if (!in_picture(y)) return;
    const int left = block_.left - halo_;
    rows_.fetch(block_.channel, y, left + head_, left + tail_, room_.values + head_, goals_ + head_);
  }

  // Puts one more row into the rings.
  void take_row(int row) {
    const int y = block_.top - kSsimHalo + row;
    if (row < 0 || row >= block_.height + 2 * kSsimHalo || !in_picture(y)) {
      std::memset(picture(row), 0, sizeof(float) * 2 * static_cast<size_t>(room_.wide));
      std::memset(means(row), 0, sizeof(float) * kFields * static_cast<size_t>(room_.row));
      return fetch_row(y + 1);
    }
    float* const x = picture(row);
    float* const y_of_target = x + room_.wide;
    make_fields(x, y_of_target);
    fetch_row(y + 1);
    float* const rows[kFields] = {x, y_of_target, room_.fields, room_.fields + room_.wide};
    for (int k = 0; k < kFields; ++k) window_along(rows[k], length_, means(row) + k * kLanes, kFields * kLanes);
  }

  void make_fields(float* x, float* y) {
    constexpr int kBegin = kSsimRadius * kLanes;
    Rows::deal_goals(goals_, length_, [y](int i, vf value) { store(y + kBegin + i * kLanes, value); });
    float *const squares = room_.fields, *const errors = squares + room_.wide;
    deal(room_.values, length_, [=, this](int i, vf value) {
      const int at = kBegin + i * kLanes;
      const vf a = rows_.shown(value), b = load(y + at), d = a - b;
      store(x + at, a);
      store(squares + at, a * a + b * b);
      store(errors + at, d * d);
    });
  }

  // The slopes of a group of rows, filtered along; returns the sum of S over those of them that are the block's.
  double differentiate(int row) {
    const float* rows[kRing];
    for (int k = 0; k < kRing; ++k) rows[k] = means(row + k);
    float core[kGroup];
    for (int k = 0; k < kGroup; ++k) {
      core[k] = row + k >= kSsimRadius && row + k < kSsimRadius + block_.height ? 1.0f : 0.0f;
    }
    vf total = {};
    for (int i = 0; i < length_; ++i) {
      alignas(64) float fields[kFields][kGroup][kLanes];
      for (int field = 0; field < kFields; ++field) {
        const int at = (i * kFields + field) * kLanes;
        window_means<kGroup>([&rows, at](int k) { return rows[k] + at; },
                             [&fields, field](int k) { return fields[field][k]; });
      }
      total += load(room_.core + i * kLanes) * differentiate_column(fields, core, i);
    }
    for (int k = 0; k < kGroup; ++k) filter_slopes(row + k, room_.slopes + k * kSlopes * room_.wide);
    return sum(total);
  }

  // The slopes of column i of a group of rows; returns the sum of `core` times S.
  vf differentiate_column(const float (&fields)[kFields][kGroup][kLanes], const float (&core)[kGroup], int i) {
    const vf inside = load(room_.inside + i * kLanes);
    vf total = {};
    for (int k = 0; k < kGroup; ++k) {
      const vf p = load(fields[0][k]), q = load(fields[1][k]), m = p - q, m2 = m * m;
      const vf b1 = p * p + (q * q + kC1), b2 = (load(fields[2][k]) + (kC1 + kC2)) - b1;
      const vf v = load(fields[3][k]) - m2, a1 = b1 - m2, a2 = b2 - v;
      const vf scale = inside * reciprocal(b1 * b2), by_error = a1 * scale;
      const vf by_squares = by_error * (v * (b1 * scale));
      total += core[k] * (by_error * a2);
      float* const out = room_.slopes + k * kSlopes * room_.wide + (kSsimRadius + i) * kLanes;
      store(out, m * ((a1 - a2) * scale) + p * ((a2 * scale) * (m2 * (b2 * scale)) - by_squares));
      store(out + room_.wide, by_squares);
      store(out + 2 * room_.wide, by_error);
    }
    return total;
  }

  void filter_slopes(int row, float* slopes) {
    if (!in_picture(block_.top - kSsimRadius + row)) {
      std::memset(slopes, 0, sizeof(float) * kSlopes * static_cast<size_t>(room_.wide));
    }
    for (int k = 0; k < kSlopes; ++k) {
      window_along(slopes + k * room_.wide, length_, back(row) + k * kLanes, kSlopes * kLanes);
    }
  }

  // Makes the gradient of a group of the block's rows; returns the sum of their absolute error.
  double make_rows(int row) {
    const float *rows[kRing], *pictures[kGroup];
    for (int k = 0; k < kRing; ++k) rows[k] = back(row + k);
    for (int k = 0; k < kGroup; ++k) pictures[k] = picture(row + kSsimHalo + k) + kSsimRadius * kLanes;
    vf total = {};
    for (int i = 0; i < length_; ++i) {
      alignas(64) float slopes[kSlopes][kGroup][kLanes];
      for (int slope = 0; slope < kSlopes; ++slope) {
        const int at = (i * kSlopes + slope) * kLanes;
        window_means<kGroup>([&rows, at](int k) { return rows[k] + at; },
                             [&slopes, slope](int k) { return slopes[slope][k]; });
      }
      vf errors = {};
      for (int k = 0; k < kGroup; ++k) {
        const vf x = load(pictures[k] + i * kLanes), d = x - load(pictures[k] + room_.wide + i * kLanes);
        const vf by_ssim = load(slopes[0][k]) + x * load(slopes[1][k]) - d * load(slopes[2][k]);
        store(room_.gradient + k * room_.row + i * kLanes, by_ssim_ * by_ssim + sign(d) * by_error_);
        errors += magnitude(d);
      }
      total += errors * load(room_.core + i * kLanes);
    }
    for (int k = 0; k < kGroup && row + k < block_.height; ++k) make_row(row + k, room_.gradient + k * room_.row);
    return sum(total);
  }

  // Makes a row of the gradient.
  void make_row(int row, const float* dealt) {
    collect(dealt, length_, room_.line);
    rows_.put(block_.channel, block_.top + row, block_.left, block_.left + block_.width, room_.line + halo_);
  }

  const Rows& rows_;
  const SsimBlock block_;
  const float by_error_, by_ssim_;  // what they weigh in the gradient; the slopes are halved
  const int halo_;                  // columns on both sides of the block; none where it is as wide as the picture
  const int length_;                // vectors of a row
  const SsimRoom room_;
  int head_, tail_;  // columns of the row that are in the picture, from and to
  typename Rows::Goal goals_[smartsplat::kSsimColumns + 16];
};

SsimTerms ssim_loss(const Band& sums, const Target& target, const Band& gradient, const SsimBlock& block,
                    const SsimTerms& scales, float* scratch) {
  return SsimPass(BandRows(sums, target, gradient), block, scales, scratch).run();
}

SsimTerms picture_loss(const SsimPictures& pictures, const SsimBlock& block, const SsimTerms& scales, float* scratch) {
  return SsimPass(PictureRows(pictures), block, scales, scratch).run();
}

}  // namespace
