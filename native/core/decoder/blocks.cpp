#include "decoder/blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "decoder/budget.h"

namespace smartsplat {
namespace {

constexpr double kLeastPixels = 1 << 16;  // that a chunk counts as: it takes as long

// Calls visit(white) with the greatest sample of a surface, of the type of its samples.
template <class Visit>
void for_samples(const Surface& surface, Visit visit) {
  switch (surface.samples) {
    case Samples::kBytes:
      return visit(uint8_t{255});
    case Samples::kWords:
      return visit(uint16_t{65535});
    case Samples::kFloats:
      return visit(1.0f);
  }
}

template <class Sample>
Sample rounded(double value) {
  return static_cast<Sample>(std::is_integral_v<Sample> ? value + 0.5 : value);
}

// The colours of some indices, times `unit`, from the first pixel of a surface on.
template <class Sample>
void put(const BlockPixels& square, const uint16_t* indices, int count, double unit, const Surface& surface) {
  auto* pixel = static_cast<Sample*>(surface.pixels);
  for (int x = 0; x < count; ++x, pixel += surface.step) {
    if (indices[x] == 0) continue;
    const PixelColour& colour = square.colour(indices[x]);
    for (int c = 0; c < std::min(surface.channels, 3); ++c) {
      pixel[c] = rounded<Sample>(unit * colour[static_cast<size_t>(c)]);
    }
  }
}

}  // namespace

// What a pixel of a view shows along an axis, px of the picture.
struct Blocks::Span {
  Span(double start, double length, int side)
      : from(std::clamp<double>(start, 0, side)),
        to(std::clamp<double>(start + length, from, side)),
        first(static_cast<int>(from)),
        after(static_cast<int>(std::ceil(to))) {}

  // How much of that column or row.
  double share(int place) const { return std::min<double>(to, place + 1) - std::max<double>(from, place); }

  double from, to;
  int first, after;
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
    squares_[chunks[i]] = decode_blocks(streams[i], r.width, r.height, head.format, work, parallel);
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

// Draws blocks over a pixel that shows so large an area.
template <class Sample>
void Blocks::blend(const Mean& seen, double area, double unit, const Surface& pixel, Sample) {
  if (seen.share == 0) return;
  auto* const samples = static_cast<Sample*>(pixel.pixels);
  for (size_t c = 0; c < static_cast<size_t>(std::min(pixel.channels, 3)); ++c) {
    samples[c] = rounded<Sample>(samples[c] * (1 - seen.share / area) + seen.sum[c] * unit / area);
  }
}

// Calls visit(first, after) for what of each square lies along an axis.
template <class Visit>
void Blocks::for_squares(int first, int after, Visit visit) const {
  for (int next = first; first < after; first = next) {
    next = std::min(after, ((first >> log_) + 1) << log_);
    visit(first, next);
  }
}

const BlockPixels& Blocks::square_at(int x, int y) const {
  return squares_[static_cast<size_t>(y >> log_) * columns_ + static_cast<size_t>(x >> log_)];
}

Blocks::Mean Blocks::mean(const Span& across, const Span& down) const {
  Mean mean;
  const int mask = (1 << log_) - 1;
  for_squares(down.first, down.after, [&](int top, int bottom) {
    for_squares(across.first, across.after, [&](int left, int right) {
      const BlockPixels& square = square_at(left, top);
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

// The index that all pixels of an area within a square have; -1 if there are several, or squares.
int Blocks::only_index(const Span& across, const Span& down) const {
  if (across.first >= across.after || down.first >= down.after) return 0;
  if ((across.first ^ (across.after - 1)) >> log_ || (down.first ^ (down.after - 1)) >> log_) return -1;
  const BlockPixels& square = square_at(across.first, down.first);
  if (square.empty()) return 0;
  const int mask = (1 << log_) - 1, count = across.after - across.first;
  const uint16_t* row = square.row(down.first & mask) + (across.first & mask);
  const uint16_t index = *row;
  for (int y = down.first; y < down.after; ++y, row += square.stride()) {
    for (int x = 0; x < count; ++x) {
      if (row[x] != index) return -1;
    }
  }
  return index;
}

void Blocks::draw(const View& view, const Surface& surface, const Parallel& parallel) const {
  if (squares_.empty()) return;
  const bool whole = view.left == std::floor(view.left) && view.top == std::floor(view.top);
  if (view.zoom == 1 && view.aspect == 1 && whole) return copy(view, surface, parallel);
  mix(view, surface, parallel);
}

// Each pixel of the view is one of the picture.
void Blocks::copy(const View& view, const Surface& surface, const Parallel& parallel) const {
  const auto within = [](double place, int side) { return static_cast<int>(std::clamp<double>(place, 0, side)); };
  const int left = within(view.left, width_), right = within(view.left + view.width, width_);
  const int mask = (1 << log_) - 1;
  parallel.for_each(static_cast<size_t>(view.height), [&](size_t row) {
    const double place = view.top + static_cast<double>(row);
    if (place < 0 || place >= height_) return;
    const int y = static_cast<int>(place);
    for_squares(left, right, [&](int from, int to) {
      const BlockPixels& square = square_at(from, y);
      if (square.empty()) return;
      const int shown = from - static_cast<int>(view.left);
      const Surface rest = part_of(surface, shown, static_cast<int>(row));
      for_samples(surface, [&]<class Sample>(Sample white) {
        put<Sample>(square, square.row(y & mask) + (from & mask), to - from, white / white_, rest);
      });
    });
  });
}

// Most pixels show one colour, or nothing of blocks: then there is nothing to add up.
void Blocks::mix(const View& view, const Surface& surface, const Parallel& parallel) const {
  const double along = 1 / view.zoom, down = 1 / (view.zoom * view.aspect);
  std::vector<Span> columns;
  columns.reserve(static_cast<size_t>(view.width));
  for (int x = 0; x < view.width; ++x) columns.emplace_back(view.left + x * along, along, width_);
  parallel.for_each(static_cast<size_t>(view.height), [&](size_t row) {
    const Span rows(view.top + static_cast<double>(row) * down, down, height_);
    for (int x = 0; x < view.width; ++x) {
      const Span& across = columns[static_cast<size_t>(x)];
      const int index = only_index(across, rows);
      if (index == 0) continue;
      const Surface pixel = part_of(surface, x, static_cast<int>(row));
      for_samples(surface, [&]<class Sample>(Sample white) {
        const double unit = static_cast<double>(white) / white_;
        const auto only = static_cast<uint16_t>(index);
        if (index > 0) return put<Sample>(square_at(across.first, rows.first), &only, 1, unit, pixel);
        blend(mean(across, rows), (across.to - across.from) * (rows.to - rows.from), unit, pixel, white);
      });
    }
  });
}

}  // namespace smartsplat
