#include "sampling/density.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <utility>
#include <vector>

#include "common/error.h"
#include "sampling/random.h"

namespace smartsplat::sampling {
namespace {

// The cells are put in the order of a Hilbert curve, which keeps every stretch of it compact, and the points are
// laid at equal steps of the weight along it, each anywhere within its step. A square block of cells is one stretch
// of the curve, so the blocks are shared out among the threads.
constexpr int kBlock = 32;
constexpr int kBlockCells = kBlock * kBlock;

struct Place {
  int x, y;
};

// The Hilbert curve through side x side places, a power of two, from (0, 0) to (side - 1, 0).
Place hilbert_place(uint32_t side, uint64_t position) {
  uint32_t x = 0, y = 0;
  for (uint32_t s = 1; s < side; s *= 2, position /= 4) {
    const uint32_t across = position / 2 & 1, up = (position ^ across) & 1;
    if (up == 0) {
      if (across == 1) x = s - 1 - x, y = s - 1 - y;
      std::swap(x, y);
    }
    x += s * across;
    y += s * up;
  }
  return {static_cast<int>(x), static_cast<int>(y)};
}

uint64_t hilbert_position(uint32_t side, Place place) {
  uint32_t x = place.x, y = place.y;
  uint64_t position = 0;
  for (uint32_t s = side / 2; s > 0; s /= 2) {
    const uint32_t across = (x & s) > 0, up = (y & s) > 0;
    position = 4 * position + ((3 * across) ^ up);
    x &= s - 1;
    y &= s - 1;
    if (up == 0) {
      if (across == 1) x = s - 1 - x, y = s - 1 - y;
      std::swap(x, y);
    }
  }
  return position;
}

// A block and how the curve runs through it: from (x, y), by `along` for every step that the curve from (0, 0) to
// (kBlock - 1, 0) takes to the right, and by `aside` for every one that it takes down.
struct Block {
  Place place(Place step) const {
    return {x + step.x * along.x + step.y * aside.x, y + step.x * along.y + step.y * aside.y};
  }

  int left, top;
  int x, y;
  Place along, aside;
};

class Curve {
 public:
  Curve(int height, int width) : height_(height), width_(width) {
    for (int i = 0; i < kBlockCells; ++i) steps_[i] = hilbert_place(kBlock, i);
    const int rows = (height + kBlock - 1) / kBlock, columns = (width + kBlock - 1) / kBlock;
    uint32_t side = 1;
    while (side < static_cast<uint32_t>(std::max(rows, columns))) side *= 2;
    std::vector<uint64_t> positions;
    positions.reserve(static_cast<size_t>(rows) * columns);
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) positions.push_back(hilbert_position(side, {x, y}));
    }
    std::sort(positions.begin(), positions.end());
    blocks_.reserve(positions.size());
    for (const uint64_t position : positions) blocks_.push_back(block(side, position));
  }

  const std::vector<Block>& blocks() const { return blocks_; }
  // Calls visit(x, y) for the cells of a block in the curve's order, until it returns false.
  template <class Visit>
  void walk(const Block& block, Visit visit) const {
    for (const Place step : steps_) {
      const Place at = block.place(step);
      if (at.x < width_ && at.y < height_ && !visit(at.x, at.y)) return;
    }
  }

 private:
  static Block block(uint32_t side, uint64_t position) {
    const uint32_t cells = side * kBlock;
    const Place first = hilbert_place(cells, position * kBlockCells);
    const Place last = hilbert_place(cells, position * kBlockCells + kBlockCells - 1);
    const int left = first.x / kBlock * kBlock, top = first.y / kBlock * kBlock;
    const Place along{(last.x - first.x) / (kBlock - 1), (last.y - first.y) / (kBlock - 1)};
    const Place aside{along.x ? 0 : (first.x == left ? 1 : -1), along.y ? 0 : (first.y == top ? 1 : -1)};
    return {left, top, first.x, first.y, along, aside};
  }

  const int height_, width_;
  std::array<Place, kBlockCells> steps_;
  std::vector<Block> blocks_;
};

class Density {
 public:
  Density(const float* weights, int height, int width, const Parallel& parallel)
      : weights_(weights), height_(height), width_(width), curve_(height, width) {
    add_up(parallel);
    if (ends_.back() == 0) {
      weights_ = nullptr;
      add_up(parallel);
    }
  }

  void sample(size_t count, uint64_t seed, double* points, const Parallel& parallel) const;

 private:
  double weight(int x, int y) const { return weights_ ? weights_[static_cast<size_t>(y) * width_ + x] : 1; }
  // The place of point i along the curve, within the i-th of `count` equal steps.
  double target(size_t i, size_t count, uint64_t seed) const {
    return (static_cast<double>(i) + unit_interval(random_bits(seed, i))) / static_cast<double>(count) * ends_.back();
  }
  void add_up(const Parallel& parallel);
  double sum(const Block& block) const;
  void sample_block(size_t index, size_t first, size_t last, size_t count, uint64_t seed, double* points) const;

  const float* weights_;  // null stands for ones
  const int height_, width_;
  const Curve curve_;
  std::vector<double> ends_;  // weight of the curve up to the end of each block
};

void Density::add_up(const Parallel& parallel) {
  const std::vector<Block>& blocks = curve_.blocks();
  ends_.resize(blocks.size());
  std::atomic<bool> bad{false};
  parallel.for_each(blocks.size(), [&](size_t i) {
    ends_[i] = sum(blocks[i]);
    if (!std::isfinite(ends_[i])) bad = true;
  });
  if (bad) throw Error(ErrorKind::kArgument, "weights must be finite and not negative");
  double total = 0;
  for (double& end : ends_) end = total += end;
}

// Not a number if a weight is negative.
double Density::sum(const Block& block) const {
  double total = 0, least = 0;
  for (int y = block.top; y < std::min(block.top + kBlock, height_); ++y) {
    for (int x = block.left; x < std::min(block.left + kBlock, width_); ++x) {
      total += weight(x, y);
      least = std::min(least, weight(x, y));
    }
  }
  return least < 0 ? std::nan("") : total;
}

void Density::sample(size_t count, uint64_t seed, double* points, const Parallel& parallel) const {
  const size_t blocks = curve_.blocks().size();
  std::vector<size_t> firsts(blocks + 1, count);
  size_t point = 0;
  for (size_t i = 0; i < blocks; ++i) {
    firsts[i] = point;
    while (point < count && target(point, count, seed) < ends_[i]) ++point;
  }
  // Rounding may put a target at the very end: it belongs to the last block that has any weight.
  for (size_t i = blocks - 1; i > 0 && ends_[i - 1] == ends_.back(); --i) firsts[i] = count;
  parallel.for_each(blocks, [&](size_t i) {
    if (firsts[i] < firsts[i + 1]) sample_block(i, firsts[i], firsts[i + 1], count, seed, points);
  });
}

void Density::sample_block(size_t index, size_t first, size_t last, size_t count, uint64_t seed, double* points) const {
  double reached = index > 0 ? ends_[index - 1] : 0, next = target(first, count, seed);
  Place cell{0, 0};
  size_t point = first;
  const auto lay = [&](double end) {
    // Several points of one cell are spread by the R2 sequence (Roberts 2018) from a random start.
    const uint64_t start = substream(seed, point);
    for (uint32_t u = start >> 32, v = start; point < last && next < end; u += 0xc13fa9a9, v += 0x91e10da6) {
      points[2 * point] = cell.x + u * 0x1p-32;
      points[2 * point + 1] = cell.y + v * 0x1p-32;
      next = target(++point, count, seed);
    }
  };
  curve_.walk(curve_.blocks()[index], [&](int x, int y) {
    if (!(weight(x, y) > 0)) return true;
    cell = {x, y};
    reached += weight(x, y);
    if (next < reached) lay(reached);
    return point < last;
  });
  lay(INFINITY);  // what rounding left over goes to the last cell that has any weight
}

}  // namespace

void sample_density(const float* weights, int height, int width, size_t count, uint64_t seed, double* points,
                    const Parallel& parallel) {
  Density(weights, height, width, parallel).sample(count, seed, points, parallel);
}

}  // namespace smartsplat::sampling
