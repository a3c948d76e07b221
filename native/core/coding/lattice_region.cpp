#include "coding/lattice_region.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <functional>
#include <utility>

#include "lattice/join.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

// With the neighbours, from an even place on.
Area with_margin(const Area& area, int rows, int columns) {
  const auto from = [](int first) { return std::max(0, first - kJoinMargin) & ~1; };
  return {from(area.top), from(area.left), std::min(rows, area.bottom + kJoinMargin),
          std::min(columns, area.right + kJoinMargin)};
}

// What of the low or the high half of a line the samples from `first` to before `end` are made of.
int half(int place, bool high) { return high ? place / 2 : (place + 1) / 2; }

Area part_of_joined(const Area& joined, bool down, bool across) {
  return {joined.top / 2, joined.left / 2, half(joined.bottom, down), half(joined.right, across)};
}

Area united(const Area& a, const Area& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.top, b.top), std::min(a.left, b.left), std::max(a.bottom, b.bottom), std::max(a.right, b.right)};
}

// Calls use(row, columns) for the rows of all bands of a chunk, the coarsest first.
void for_rows(const LatticeChunks& chunks, const Place& place, const Coefficients& bands, int finest,
              const std::function<void(int32_t* row, int columns)>& use) {
  const auto visit = [&](const BandPlace& band, const Area& area, int plane) {
    for (int y = area.top; y < area.bottom && !area.empty(); ++y) use(band.row(plane, y, area.left), area.columns());
  };
  const int planes = chunks.size().planes;
  for (int plane = 0; plane < planes && chunks.is_coarsest(place.tier); ++plane) {
    visit(bands.lowest(), lowest_area(chunks.size(), chunks.levels()), plane);
  }
  for (int level = chunks.coarsest_level(place.tier); level >= finest; --level) {
    for (int plane = 0; plane < planes; ++plane) {
      for (const Orientation orientation : {kHL, kLH, kHH}) {
        visit(bands.band(level, orientation), chunks.part(place, level, orientation), plane);
      }
    }
  }
}

// A part of a band as floats, in rows that are so far apart.
void copy_band(const BandPlace& from, int plane, const Area& area, float* to, ptrdiff_t stride, float factor) {
  for (int y = area.top; y < area.bottom; ++y, to += stride) {
    const int32_t* row = from.row(plane, y, area.left);
    for (int x = 0; x < area.columns(); ++x) to[x] = static_cast<float>(row[x]) * factor;
  }
}

// An area in pieces that can be joined.
std::vector<Area> blocks_of(const Area& area) {
  std::vector<Area> blocks;
  for (int top = area.top; top < area.bottom; top += kJoinedSide) {
    for (int left = area.left; left < area.right; left += kJoinedSide) {
      blocks.push_back({top, left, std::min(top + kJoinedSide, area.bottom), std::min(left + kJoinedSide, area.right)});
    }
  }
  return blocks;
}

constexpr int kMostPacked = INT16_MAX;  // by absolute value, and zeros in a run

constexpr int kTogether = 16;

bool all_zero(const int32_t* row) {
  int32_t any = 0;
  for (int i = 0; i < kTogether; ++i) any |= row[i];
  return any == 0;
}

// Rows of coefficients: each is itself unless it is zero; then the number of zeros follows, which end with the row.
// False if one is too large.
bool pack_row(const int32_t* row, int columns, std::vector<int16_t>& packed) {
  const size_t before = packed.size();
  packed.resize(before + 2 * static_cast<size_t>(columns));
  int16_t* to = packed.data() + before;
  for (int x = 0; x < columns;) {
    const int32_t value = row[x];
    if (std::abs(value) > kMostPacked) return false;
    *to++ = static_cast<int16_t>(value);
    const int start = x++;
    if (value != 0) continue;
    const int end = std::min(columns, start + kMostPacked);
    while (x + kTogether <= end && all_zero(row + x)) x += kTogether;
    while (x < end && row[x] == 0) ++x;
    *to++ = static_cast<int16_t>(x - start);
  }
  packed.resize(static_cast<size_t>(to - packed.data()));
  return true;
}

// The row must hold zeros.
const int16_t* unpack_row(const int16_t* packed, int32_t* row, int columns) {
  for (int x = 0; x < columns;) {
    const int16_t value = *packed++;
    if (value == 0) {
      x += *packed++;
    } else {
      row[x++] = value;
    }
  }
  return packed;
}

}  // namespace

LatticeRegion::LatticeRegion(const LatticeHead& head, const Area& values, int low) : head_(head), skipped_(low) {
  const LatticeSize& size = head.size();
  low_.resize(static_cast<size_t>(low));
  joined_.resize(static_cast<size_t>(low) + 1);
  low_.push_back(values);
  for (int level = low + 1; level <= head.chunks.levels(); ++level) {
    joined_.push_back(with_margin(low_.back(), side_at(size.rows, level - 1), side_at(size.columns, level - 1)));
    low_.push_back(part_of_joined(joined_.back(), false, false));
  }
  for (int tier = 0; tier < head.chunks.tiers().count(); ++tier) squares_.push_back(squares_of(tier));
}

Area LatticeRegion::squares_of(int tier) const {
  const LatticeChunks& chunks = head_.chunks;
  if (chunks.is_coarsest(tier)) return {0, 0, 1, 1};
  Area squares{};
  if (tier > 0 && !squares_.back().empty()) {  // those above the ones of the finer tier
    const Area& finer = squares_.back();
    const int shift = chunks.tiers().shift(tier - 1);
    squares = {finer.top >> shift, finer.left >> shift, ((finer.bottom - 1) >> shift) + 1,
               ((finer.right - 1) >> shift) + 1};
  }
  const int spacing_log = static_cast<int>(std::countr_zero(static_cast<unsigned>(head_.shape.spacing)));
  for (int level = finest_level(tier); level <= chunks.coarsest_level(tier); ++level) {
    const int log = chunks.tiers().squares(tier).log - spacing_log - level;
    const Area part = part_of_joined(joined_[static_cast<size_t>(level)], false, false);
    squares = united(
        squares, {part.top >> log, part.left >> log, ((part.bottom - 1) >> log) + 1, ((part.right - 1) >> log) + 1});
  }
  return squares;
}

std::vector<Place> LatticeRegion::places_of(int tier) const {
  const Area& squares = squares_[static_cast<size_t>(tier)];
  std::vector<Place> places;
  for (int row = squares.top; row < squares.bottom; ++row) {
    for (int column = squares.left; column < squares.right; ++column) places.push_back({tier, column, row});
  }
  return places;
}

std::vector<uint64_t> LatticeRegion::chunks() const {
  std::vector<uint64_t> numbers;
  for (int tier = head_.chunks.tiers().count() - 1; tier >= 0; --tier) {
    for (const Place& place : places_of(tier)) numbers.push_back(head_.chunks.tiers().chunk(place));
  }
  return numbers;
}

Area LatticeRegion::band_part(int level, Orientation orientation) const {
  const int tiers = head_.chunks.tiers().count();
  const int tier = std::min((level - 1) / 2, tiers - 1);
  const Area& squares = squares_[static_cast<size_t>(tier)];
  const Area first = head_.chunks.part({tier, squares.left, squares.top}, level, orientation);
  const Area last = head_.chunks.part({tier, squares.right - 1, squares.bottom - 1}, level, orientation);
  return {first.top, first.left, last.bottom, last.right};
}

uint64_t LatticeRegion::coefficients() const {
  const auto count = [](const Area& area) {
    return area.empty() ? 0 : static_cast<uint64_t>(area.rows()) * static_cast<uint64_t>(area.columns());
  };
  const size_t next = static_cast<size_t>(skipped_) + 1;
  uint64_t total =
      count(lowest_area(head_.size(), head_.chunks.levels())) + count(joined_.size() > next ? joined_[next] : values());
  for (int level = skipped_ + 1; level <= head_.chunks.levels(); ++level) {
    for (const Orientation orientation : {kHL, kLH, kHH}) total += count(band_part(level, orientation));
  }
  return total;
}

Coefficients LatticeRegion::bands_in(Zeros<int32_t>& memory) const {
  std::vector<BandPlace> bands((static_cast<size_t>(head_.chunks.levels()) + 1) * kOrientations);
  ptrdiff_t used = 0;
  const auto place = [&](const Area& area) {
    const ptrdiff_t row = std::max(area.columns(), 0), plane = row * std::max(area.rows(), 0);
    const BandPlace found{nullptr, row, plane, used - area.top * row - area.left};
    used += head_.size().planes * plane;
    return found;
  };
  bands[0] = place(lowest_area(head_.size(), head_.chunks.levels()));
  for (int level = skipped_ + 1; level <= head_.chunks.levels(); ++level) {
    for (const Orientation orientation : {kHL, kLH, kHH}) {
      bands[static_cast<size_t>(level * kOrientations + orientation)] = place(band_part(level, orientation));
    }
  }
  memory = zeros<int32_t>(static_cast<size_t>(used));
  for (BandPlace& band : bands) band.at = memory.get();
  return Coefficients(std::move(bands));
}

void LatticeRegion::read_chunk(const ChunkSource& source, const Place& place, DecodedChunks* kept,
                               const Coefficients& bands, const Parallel& parallel) const {
  const uint64_t number = head_.chunks.tiers().chunk(place);
  const int finest = finest_level(place.tier);
  if (const SharedChunk found = kept ? kept->find(true, number, finest) : nullptr) {
    const int16_t* from = found->coefficients.data();
    for_rows(head_.chunks, place, bands, finest,
             [&from](int32_t* row, int columns) { from = unpack_row(from, row, columns); });
    return;
  }
  const std::span<const uint8_t> bytes = source(number);
  decode_lattice_chunk(bytes, head_.chunks, place, bands, parallel, finest);
  if (!kept || bytes.empty()) return;
  DecodedChunk chunk;
  chunk.finest = finest;
  chunk.coefficients.reserve(4 * bytes.size());  // about twice what most have
  bool fits = true;
  for_rows(head_.chunks, place, bands, finest,
           [&](const int32_t* row, int columns) { fits = fits && pack_row(row, columns, chunk.coefficients); });
  chunk.coefficients.shrink_to_fit();
  if (fits) kept->keep(true, number, std::make_shared<const DecodedChunk>(std::move(chunk)));
}

void LatticeRegion::read_chunks(const ChunkSource& source, DecodedChunks* kept, const Coefficients& bands,
                                const Parallel& parallel) const {
  for (int tier = head_.chunks.tiers().count() - 1; tier >= 0; --tier) {
    const std::vector<Place> places = places_of(tier);
    parallel.for_each(places.size(), [&](size_t i) { read_chunk(source, places[i], kept, bands, parallel); });
  }
}

// A block of the low band before a level, from the low band of that level and its other bands.
void LatticeRegion::join_block(const Coefficients& bands, int plane, int level, const Area& block, const float* low,
                               float* to) const {
  const LatticeSize& size = head_.size();
  const Area joined = with_margin(block, side_at(size.rows, level - 1), side_at(size.columns, level - 1));
  const Area inner = part_of_joined(joined, false, false);
  const Area &all = low_[static_cast<size_t>(level)], &wanted = low_[static_cast<size_t>(level - 1)];
  thread_local Buffer<float> memory(2 * size_t{kJoinRows} * kJoinStride);
  float* const part = memory.data();
  for (int y = 0; y < inner.rows(); ++y) {
    std::copy_n(low + ptrdiff_t{inner.top - all.top + y} * all.columns() + (inner.left - all.left), inner.columns(),
                part + y * kJoinStride);
  }
  for (const Orientation orientation : {kHL, kLH, kHH}) {
    const bool down = orientation != kHL, across = orientation != kLH;
    copy_band(bands.band(level, orientation), plane, part_of_joined(joined, down, across),
              part + (down ? inner.rows() * kJoinStride : 0) + (across ? inner.columns() : 0), kJoinStride,
              wavelet_factor(head_.shape.spacing, level, down, across));
  }
  join_part({part, joined.rows(), joined.columns()}, part + size_t{kJoinRows} * kJoinStride,
            {to + ptrdiff_t{block.top - wanted.top} * wanted.columns() + (block.left - wanted.left), wanted.columns(),
             block.top - joined.top, block.left - joined.left, block.rows(), block.columns()});
}

// The values of all planes, [planes][rows][columns] of the area.
void LatticeRegion::inverse(const Coefficients& bands, float* values, const Parallel& parallel) const {
  const size_t planes = static_cast<size_t>(head_.size().planes);
  const int levels = head_.chunks.levels();
  const auto size_of = [](const Area& area) {
    return static_cast<size_t>(area.rows()) * static_cast<size_t>(area.columns());
  };
  Buffer<float> before;
  if (levels > skipped_) before = Buffer<float>(planes * size_of(low_.back()));
  for (size_t plane = 0; plane < planes; ++plane) {
    copy_band(bands.lowest(), static_cast<int>(plane), low_.back(),
              (levels > skipped_ ? before.data() : values) + plane * size_of(low_.back()), low_.back().columns(),
              levels > 0 ? wavelet_factor(head_.shape.spacing, levels, false, false) : 1);
  }
  for (int level = levels; level > skipped_; --level) {
    const Area& wanted = low_[static_cast<size_t>(level - 1)];
    const size_t from = size_of(low_[static_cast<size_t>(level)]), to = size_of(wanted);
    Buffer<float> own;
    if (level > skipped_ + 1) own = Buffer<float>(planes * to);
    float* const target = level > skipped_ + 1 ? own.data() : values;
    const std::vector<Area> blocks = blocks_of(wanted);
    parallel.for_each(planes * blocks.size(), [&](size_t i) {
      const size_t plane = i % planes;
      join_block(bands, static_cast<int>(plane), level, blocks[i / planes], before.data() + plane * from,
                 target + plane * to);
    });
    before = std::move(own);
  }
}

Buffer<float> LatticeRegion::read(const ChunkSource& source, DecodedChunks* kept, const Parallel& parallel) const {
  Zeros<int32_t> memory(nullptr, &std::free);
  const Coefficients bands = bands_in(memory);
  read_chunks(source, kept, bands, parallel);
  const size_t count = static_cast<size_t>(values().rows()) * static_cast<size_t>(values().columns());
  Buffer<float> colours(3 * count);
  inverse(bands, colours.data(), parallel);
  const size_t coded = static_cast<size_t>(head_.size().planes) * count;
  std::fill(colours.begin() + coded, colours.end(), 0.0f);
  mix_colours(colours.data(), values().rows(), values().columns(), head_.shape.spacing, head_.step_index, parallel);
  return colours;
}

}  // namespace smartsplat
