#include "decoder/blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "decoder/budget.h"

namespace smartsplat {
namespace {

constexpr double kLeastPixels = 1 << 16;  // that a chunk counts as: it takes as long

}  // namespace

// What a pixel of a view shows along an axis, px of the picture.
struct Blocks::Span {
  Span(double start, double length, int side)
      : from(std::clamp<double>(start, 0, side)), to(std::clamp<double>(start + length, from, side)) {}

  int first() const { return static_cast<int>(from); }
  int after() const { return static_cast<int>(std::ceil(to)); }
  // How much of that column or row.
  double share(int place) const { return std::min<double>(to, place + 1) - std::max<double>(from, place); }

  double from, to;
};

// The colours of blocks, each times its share, and the sum of the shares.
struct Blocks::Mean {
  std::array<double, 3> sum{};
  double share = 0;
};

std::vector<uint64_t> block_chunks_near(const Tiers& tiers, const Window& window) {
  const Squares squares = tiers.squares(0);
  const auto place = [&](double at) { return static_cast<int>(std::max(0.0, std::ldexp(at, -squares.log))); };
  std::vector<uint64_t> chunks;
  for (int row = place(window.top);
       row < static_cast<int>(squares.rows) && std::ldexp(row, squares.log) < window.bottom; ++row) {
    for (int column = place(window.left);
         column < static_cast<int>(squares.columns) && std::ldexp(column, squares.log) < window.right; ++column) {
      chunks.push_back(tiers.chunk({0, column, row}));
    }
  }
  return chunks;
}

Blocks::Blocks(const ChunkSource& source, const BlockHead& head, const std::vector<uint64_t>& chunks, double work,
               const Parallel& parallel)
    : width_(head.width),
      height_(head.height),
      log_(head.tiers.squares(0).log),
      columns_(head.tiers.squares(0).columns),
      white_(head.format.deep ? 65535 : 255) {
  uint64_t bytes = 0;
  double pixels = 0;
  std::vector<Bytes> streams(chunks.size());
  const auto rectangle = [&](size_t i) {
    return rectangle_of(head.tiers, head.tiers.place(chunks[i]), head.width, head.height);
  };
  for (size_t i = 0; i < chunks.size(); ++i) {
    streams[i] = source(chunks[i]);
    bytes += streams[i].size();
    if (!streams[i].empty()) {
      pixels += std::max(kLeastPixels, static_cast<double>(rectangle(i).width) * rectangle(i).height);
    }
  }
  if (bytes == 0) return;
  check_blocks(pixels, bytes, work);
  squares_.resize(head.tiers.chunks());
  parallel.for_each(chunks.size(), [&](size_t i) {
    if (streams[i].empty()) return;
    const Rectangle r = rectangle(i);
    squares_[chunks[i]] = decode_blocks(streams[i], r.width, r.height, head.format, parallel);
  });
}

std::vector<int32_t> Blocks::integers() const {
  std::vector<int32_t> integers;
  for (const BlockPixels& square : squares_) {
    for (int y = 0; y < square.height(); ++y) {
      integers.insert(integers.end(), square.row(y), square.row(y) + square.width());
    }
    for (int index = 1; index <= square.colours(); ++index) {
      integers.insert(integers.end(), square.colour(index).begin(), square.colour(index).end());
    }
  }
  return integers;
}

// Calls visit(first, after) for what of each square lies along an axis.
template <class Visit>
void Blocks::for_squares(int first, int after, Visit visit) const {
  for (int next = first; first < after; first = next) {
    next = std::min(after, ((first >> log_) + 1) << log_);
    visit(first, next);
  }
}

Blocks::Mean Blocks::mean(const Span& across, const Span& down) const {
  Mean mean;
  const int mask = (1 << log_) - 1;
  for_squares(down.first(), down.after(), [&](int top, int bottom) {
    for_squares(across.first(), across.after(), [&](int left, int right) {
      const BlockPixels& square =
          squares_[static_cast<size_t>(top >> log_) * columns_ + static_cast<size_t>(left >> log_)];
      if (square.empty()) return;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
          const uint16_t index = square.row(y & mask)[x & mask];
          if (index == 0) continue;
          const double share = across.share(x) * down.share(y);
          for (size_t c = 0; c < 3; ++c) mean.sum[c] += share * square.colour(index)[c];
          mean.share += share;
        }
      }
    });
  });
  return mean;
}

void Blocks::draw(const View& view, const Surface& surface, const Parallel& parallel) const {
  if (squares_.empty()) return;
  const double along = 1 / view.zoom, down = 1 / (view.zoom * view.aspect);
  parallel.for_each(static_cast<size_t>(view.height), [&](size_t row) {
    const Span rows(view.top + static_cast<double>(row) * down, down, height_);
    for (int x = 0; x < view.width; ++x) {
      const Span columns(view.left + x * along, along, width_);
      const Mean seen = mean(columns, rows);
      if (seen.share == 0) continue;
      const double area = (columns.to - columns.from) * (rows.to - rows.from);
      void* const pixel = part_of(surface, x, static_cast<int>(row)).pixels;
      for (size_t c = 0; c < static_cast<size_t>(std::min(surface.channels, 3)); ++c) {
        const auto mixed = [&](auto* samples, double white, double half) {
          using Sample = std::remove_pointer_t<decltype(samples)>;
          const double value = samples[c] * (1 - seen.share / area) + seen.sum[c] * white / (white_ * area);
          samples[c] = static_cast<Sample>(value + half);
        };
        if (surface.samples == Samples::kBytes) {
          mixed(static_cast<uint8_t*>(pixel), 255, 0.5);
        } else if (surface.samples == Samples::kWords) {
          mixed(static_cast<uint16_t*>(pixel), 65535, 0.5);
        } else {
          mixed(static_cast<float*>(pixel), 1, 0);
        }
      }
    }
  });
}

}  // namespace smartsplat
