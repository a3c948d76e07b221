#include "coding/sections.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "common/error.h"
#include "lattice/mix.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kFormat, text); }

// Beyond this centres do not fit into 32 bits.
constexpr int kGreatestWhole = 1 << kGreatestSquareLog;

void check_whole(int width, int height) {
  if (std::max(width, height) <= kGreatestWhole) return;
  throw Error(ErrorKind::kLimit, "a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                                     " px is too large to be decoded whole");
}

void move(std::vector<SplatCode>& splats, int dx, int dy) {
  for (SplatCode& s : splats) {
    s.x += dx * (1 << kCentreLog);
    s.y += dy * (1 << kCentreLog);
  }
}

// The greatest reach of a tier's splats; there is none for the coarsest.
bool fits(const SplatCode& splat, const Tiers& tiers, int tier) {
  return tier == tiers.count() - 1 || reach16(splat) <= 16 * (tiers.squares(tier).log - kReachLog);
}

uint64_t chunk_of(const SplatCode& splat, const Tiers& tiers) {
  int tier = 0;
  while (!fits(splat, tiers, tier)) ++tier;
  const Squares squares = tiers.squares(tier);
  const auto along = [&](int place, uint64_t count) {
    return static_cast<int>(
        std::clamp<int64_t>(place >> kCentreLog >> squares.log, 0, static_cast<int64_t>(count) - 1));
  };
  return tiers.chunk({tier, along(splat.x, squares.columns), along(splat.y, squares.rows)});
}

// Centres are counted from the corner of the square.
std::vector<SplatCode> decode_splat_chunk(Bytes chunk, const Tiers& tiers, const Place& place, int width, int height) {
  if (chunk.empty()) return {};
  Reader reader(chunk);
  const uint64_t count = reader.number();
  const Bytes stream = reader.rest();
  if (count == 0 || stream.size() < least_stream_bytes(count)) {
    refuse(std::to_string(count) + " splats cannot stand in " + std::to_string(stream.size()) + " bytes");
  }
  const Rectangle r = rectangle_of(tiers, place, width, height);
  std::vector<SplatCode> splats = decode_splats(stream, static_cast<size_t>(count), r.width, r.height);
  for (const SplatCode& splat : splats) {
    if (!fits(splat, tiers, place.tier)) refuse("a splat is too large for its chunk");
  }
  return splats;
}

std::vector<uint8_t> encode_splat_chunk(std::vector<SplatCode>& splats, const Rectangle& r) {
  if (splats.empty()) return {};
  std::vector<uint8_t> chunk;
  append_number(chunk, splats.size());
  move(splats, -r.left, -r.top);
  append(chunk, encode_splats(splats, r.width, r.height));
  move(splats, r.left, r.top);
  return chunk;
}

std::vector<SplatCode> joined(const std::vector<std::vector<SplatCode>>& lists) {
  std::vector<SplatCode> all;
  size_t count = 0;
  for (const auto& list : lists) count += list.size();
  all.reserve(count);
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

Mixer mixer(double factor, bool transposed) {
  Mixer mixer{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      mixer[i][j] = static_cast<float>((transposed ? kColourBasis[j][i] : kColourBasis[i][j]) * factor);
    }
  }
  return mixer;
}

}  // namespace

Rectangle rectangle_of(const Tiers& tiers, const Place& place, int width, int height) {
  const int log = tiers.squares(place.tier).log;
  const auto from = [log](int number) { return static_cast<int>(int64_t{number} << log); };
  const auto length = [&](int start, int side) {
    return static_cast<int>(std::min<int64_t>(int64_t{1} << log, int64_t{side} - start));
  };
  const int left = from(place.column), top = from(place.row);
  return {left, top, length(left, width), length(top, height)};
}

void mix_colours(const Planes& planes, int spacing, int step_index, const Parallel& parallel) {
  mix_planes(planes, mixer(lattice_step(step_index) / spacing, true), parallel);
}

std::vector<SplatCode> read_splats(const ChunkSource& source, const Tiers& tiers, uint64_t count, int width, int height,
                                   const Parallel& parallel) {
  check_whole(width, height);
  std::vector<std::vector<SplatCode>> lists(tiers.chunks());
  parallel.for_each(lists.size(), [&](size_t chunk) {
    const Place place = tiers.place(chunk);
    const Rectangle r = rectangle_of(tiers, place, width, height);
    lists[chunk] = decode_splat_chunk(source(chunk), tiers, place, width, height);
    move(lists[chunk], r.left, r.top);
  });
  std::vector<SplatCode> splats = lists.size() == 1 ? std::move(lists[0]) : joined(lists);
  if (splats.size() != count) {
    refuse("the file says that it has " + std::to_string(count) + " splats, and has " + std::to_string(splats.size()));
  }
  return splats;
}

namespace {

// The chunks of a tier whose splats may reach a window: those of the coarsest may reach everywhere.
std::vector<Place> places_near(const Tiers& tiers, int tier, const Window& window) {
  const Squares squares = tiers.squares(tier);
  const bool all = tier == tiers.count() - 1;
  const double reach = std::ldexp(1.0, squares.log - kReachLog);
  const auto clamped = [&](double place, uint64_t count) {
    return static_cast<int>(
        std::clamp(std::floor(std::ldexp(place, -squares.log)), 0.0, static_cast<double>(count - 1)));
  };
  const int left = all ? 0 : clamped(window.left - reach, squares.columns);
  const int top = all ? 0 : clamped(window.top - reach, squares.rows);
  const int right = all ? static_cast<int>(squares.columns) - 1 : clamped(window.right + reach, squares.columns);
  const int bottom = all ? static_cast<int>(squares.rows) - 1 : clamped(window.bottom + reach, squares.rows);
  std::vector<Place> places;
  for (int row = top; row <= bottom; ++row) {
    for (int column = left; column <= right; ++column) places.push_back({tier, column, row});
  }
  return places;
}

}  // namespace

std::vector<uint64_t> splat_chunks_near(const Tiers& tiers, const Window& window) {
  std::vector<uint64_t> numbers;
  for (int tier = tiers.count() - 1; tier >= 0; --tier) {
    for (const Place& place : places_near(tiers, tier, window)) numbers.push_back(tiers.chunk(place));
  }
  return numbers;
}

Buffer<float> read_splats_near(const ChunkSource& source, const Tiers& tiers, int step_index, int width, int height,
                               const Window& window, DecodedChunks* kept, const Parallel& parallel) {
  const std::vector<uint64_t> chunks = splat_chunks_near(tiers, window);
  std::vector<SharedChunk> lists(chunks.size());
  parallel.for_each(chunks.size(), [&](size_t i) {
    if (kept) lists[i] = kept->find(false, chunks[i], 0);
    if (lists[i]) return;
    DecodedChunk chunk;
    const Bytes bytes = source(chunks[i]);
    chunk.splats = decode_splat_chunk(bytes, tiers, tiers.place(chunks[i]), width, height);
    lists[i] = std::make_shared<const DecodedChunk>(std::move(chunk));
    if (kept && !bytes.empty()) kept->keep(false, chunks[i], lists[i]);
  });
  size_t count = 0;
  for (const SharedChunk& list : lists) count += list->splats.size();
  Buffer<float> parameters(count * kParameters);
  size_t first = 0;
  for (size_t i = 0; i < lists.size(); ++i) {
    const Rectangle r = rectangle_of(tiers, tiers.place(chunks[i]), width, height);
    dequantise(lists[i]->splats, splat_step(step_index), parameters.data() + first * kParameters, parallel,
               {window.left - r.left, window.top - r.top});
    first += lists[i]->splats.size();
  }
  return parameters;
}

CodedSplats read_splats(const SplatBytes& part, int width, int height, const Parallel& parallel) {
  const Tiers tiers = Tiers::of_splats(width, height, part.square_log);
  return {read_splats(source_of(part.chunks), tiers, part.count, width, height, parallel), part.step_index};
}

SplatPart<std::vector<uint8_t>> write_splats(CodedSplats& splats, int width, int height, int square_log) {
  check_whole(width, height);
  const Tiers tiers = Tiers::of_splats(width, height, square_log);
  std::vector<std::vector<SplatCode>> lists(tiers.chunks());
  for (const SplatCode& splat : splats.codes) lists[chunk_of(splat, tiers)].push_back(splat);
  SplatPart<std::vector<uint8_t>> part{splats.codes.size(), splats.step_index, square_log, {}};
  for (size_t i = 0; i < lists.size(); ++i) {
    part.chunks.push_back(encode_splat_chunk(lists[i], rectangle_of(tiers, tiers.place(i), width, height)));
  }
  splats.codes = joined(lists);
  return part;
}

LatticeHead::LatticeHead(const LatticeCode& code, int width, int height, bool grey, int square_log)
    : shape{width, height, 1 << code.spacing_log},
      step_index(code.step_index),
      chunks({grey ? 1 : 3, shape.rows(), shape.columns()}, code.spacing_log,
             Tiers::of_lattice(width, height, square_log, code.spacing_log)) {}

void read_lattice(const ChunkSource& source, const LatticeHead& head, int32_t* quantised, const Parallel& parallel) {
  decode_lattice(source, head.chunks, {quantised, head.size().count()}, parallel);
}

LatticePart<std::vector<uint8_t>> write_lattice(const float* coefficients, const LatticeHead& head, double lambda,
                                                const uint8_t* weights, int square_log, const Parallel& parallel) {
  const LatticeTrial trial{head.step_index, lambda};
  return std::move(try_lattices(coefficients, head, {&trial, 1}, weights, square_log, parallel)[0].part);
}

std::vector<TriedLattice> try_lattices(const float* coefficients, const LatticeHead& head,
                                       std::span<const LatticeTrial> trials, const uint8_t* weights, int square_log,
                                       const Parallel& parallel) {
  const int spacing_log = std::countr_zero(static_cast<unsigned>(head.shape.spacing));
  std::vector<TriedLattice> tried(trials.size());
  parallel.for_each(trials.size(), [&](size_t i) {
    const auto [step_index, lambda] = trials[i];
    const double step = lattice_step(step_index);
    EncodedLattice encoded = encode_lattice({coefficients, head.size().count()}, head.chunks,
                                            static_cast<float>(1 / step), lambda, weights, parallel);
    tried[i] = {{{spacing_log, step_index}, square_log, std::move(encoded.streams)}, encoded.error * step * step};
  });
  return tried;
}

void lattice_coefficients(float* values, const LatticeShape& shape, int planes, const Parallel& parallel) {
  mix_planes(packed_planes(values, shape.rows(), shape.columns()), mixer(shape.spacing, false), parallel);
  for (size_t plane = 0; plane < static_cast<size_t>(planes); ++plane) {
    wavelet_forward(values + plane * shape.nodes(), shape.rows(), shape.columns(), shape.spacing, parallel);
  }
}

}  // namespace smartsplat
