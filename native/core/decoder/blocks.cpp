#include "decoder/blocks.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "decoder/budget.h"

namespace smartsplat {

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
  std::vector<Bytes> streams;
  for (const uint64_t chunk : chunks) {
    const Rectangle r = rectangle_of(head.tiers, head.tiers.place(chunk), width_, height_);
    streams.push_back(source(chunk));
    if (streams.back().empty()) continue;
    bytes += streams.back().size();
    pixels += static_cast<double>(r.width) * r.height;
  }
  if (bytes == 0) return;
  check_blocks(pixels, bytes, work);
  squares_.resize(head.tiers.chunks());
  parallel.for_each(chunks.size(), [&](size_t i) {
    if (streams[i].empty()) return;
    const Rectangle r = rectangle_of(head.tiers, head.tiers.place(chunks[i]), width_, height_);
    squares_[chunks[i]] = decode_blocks(streams[i], r.width, r.height, head.format, parallel);
  });
}

void Blocks::add(const Span& across, const Span& down, Mean& mean) const {
  for (int y = down.first(); y < down.after(); ++y) {
    for (int x = across.first(); x < across.after(); ++x) {
      const BlockPixels& square = squares_[static_cast<size_t>(y >> log_) * columns_ + static_cast<size_t>(x >> log_)];
      if (square.empty()) continue;
      const int mask = (1 << log_) - 1;
      const uint16_t index = square.row(y & mask)[x & mask];
      if (index == 0) continue;
      const double share = across.share(x) * down.share(y);
      for (size_t c = 0; c < 3; ++c) mean.sum[c] += share * square.palette()[index][c];
      mean.share += share;
    }
  }
}

template <class T>
void Blocks::draw_row(const std::vector<Span>& across, const Span& down, const Surface& row, float white) const {
  T* out = static_cast<T*>(row.pixels);
  for (const Span& span : across) {
    Mean mean;
    add(span, down, mean);
    const double area = (span.to - span.from) * (down.to - down.from);
    for (size_t c = 0; c < static_cast<size_t>(std::min(row.channels, 3)) && mean.share > 0; ++c) {
      const double value = out[c] * (1 - mean.share / area) + mean.sum[c] * white / (white_ * area);
      out[c] = static_cast<T>(white > 1 ? std::floor(value + 0.5) : value);
    }
    out += row.step;
  }
}

void Blocks::draw(const View& view, const Surface& surface, const Parallel& parallel) const {
  if (squares_.empty()) return;
  const double along = 1 / view.zoom, down = 1 / (view.zoom * view.aspect);
  std::vector<Span> across;
  for (int x = 0; x < view.width; ++x) across.emplace_back(view.left + x * along, along, width_);
  parallel.for_each(static_cast<size_t>(view.height), [&](size_t y) {
    const Span rows(view.top + static_cast<double>(y) * down, down, height_);
    const Surface row = part_of(surface, 0, static_cast<int>(y));
    if (surface.samples == Samples::kBytes) return draw_row<uint8_t>(across, rows, row, 255);
    if (surface.samples == Samples::kWords) return draw_row<uint16_t>(across, rows, row, 65535);
    draw_row<float>(across, rows, row, 1);
  });
}

}  // namespace smartsplat
