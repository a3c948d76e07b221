#include "coding/lattice_region.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <functional>
#include <utility>

#include "coding/level_join.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

Area united(const Area& a, const Area& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.top, b.top), std::min(a.left, b.left), std::max(a.bottom, b.bottom), std::max(a.right, b.right)};
}

size_t size_of(const Area& area) { return static_cast<size_t>(area.rows()) * static_cast<size_t>(area.columns()); }

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
    joined_.push_back(joined_area(size, level, low_.back()));
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

// The low band before a level of all planes, from that of the level.
void LatticeRegion::join_level(const Bands& bands, int level, const float* from, float* to,
                               const Parallel& parallel) const {
  const size_t planes = static_cast<size_t>(head_.size().planes);
  const Area &low = low_[static_cast<size_t>(level)], &wanted = low_[static_cast<size_t>(level - 1)];
  const LevelJoin level_join{head_.size(), level, head_.shape.spacing};
  const std::vector<Area> blocks = join_blocks(wanted);
  parallel.for_each(planes * blocks.size(), [&](size_t i) {
    const size_t plane = i % planes;
    const auto copy = [&](Orientation orientation, const Area& area, float* values, float factor) {
      copy_band(bands.places.band(level, orientation), static_cast<int>(plane), area, values, kJoinStride, factor);
      return true;
    };
    level_join.join(blocks[i / planes], {from + plane * size_of(low), low, low.columns()},
                    {to + plane * size_of(wanted), wanted, wanted.columns()}, copy);
  });
}

void LatticeRegion::join(const Bands& bands, float* values, const Parallel& parallel) const {
  const int levels = head_.chunks.levels();
  const size_t planes = static_cast<size_t>(head_.size().planes), lowest = size_of(low_.back());
  Buffer<float> before;
  if (levels > skipped_) before = Buffer<float>(planes * lowest);
  for (size_t plane = 0; plane < planes; ++plane) {
    copy_band(bands.places.lowest(), static_cast<int>(plane), low_.back(),
              (levels > skipped_ ? before.data() : values) + plane * lowest, low_.back().columns(),
              levels > 0 ? wavelet_factor(head_.shape.spacing, levels, false, false) : 1);
  }
  for (int level = levels; level > skipped_; --level) {
    const bool last = level == skipped_ + 1;
    Buffer<float> own(last ? 0 : planes * size_of(low_[static_cast<size_t>(level - 1)]));
    join_level(bands, level, before.data(), last ? values : own.data(), parallel);
    before = std::move(own);
  }
}

LatticeRegion::Bands LatticeRegion::read_bands(const ChunkSource& source, DecodedChunks* kept,
                                               const Parallel& parallel) const {
  Zeros<int32_t> memory(nullptr, &std::free);
  Coefficients places = bands_in(memory);
  read_chunks(source, kept, places, parallel);
  return {std::move(memory), std::move(places)};
}

Buffer<float> LatticeRegion::read(const ChunkSource& source, DecodedChunks* kept, const Parallel& parallel) const {
  Buffer<float> colours(3 * size_of(values()));
  read(source, kept, colours.data(), parallel);
  return colours;
}

void LatticeRegion::read(const ChunkSource& source, DecodedChunks* kept, float* colours,
                         const Parallel& parallel) const {
  join(read_bands(source, kept, parallel), colours, parallel);
  const size_t coded = static_cast<size_t>(head_.size().planes) * size_of(values());
  std::fill(colours + coded, colours + 3 * size_of(values()), 0.0f);
  mix_colours(packed_planes(colours, values().rows(), values().columns()), head_.shape.spacing, head_.step_index,
              parallel);
}

}  // namespace smartsplat
