#include "coding/lattice_stream.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <type_traits>
#include <utility>

#include "coding/lattice_models.h"
#include "coding/magnitudes.h"
#include "coding/range_coder.h"
#include "coding/trellis.h"
#include "common/apart.h"
#include "common/error.h"
#include "format/format.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

// What an encoder knows of a block.
struct Nothing {};
template <class Coder>
using Choice = std::conditional_t<Coder::kDecodes, Nothing, BlockValues>;

// What coefficients are before they become integers; only encoders know.
class Originals {
 public:
  // The coefficients are those of whole planes; `weights` is null or has a weight for each place of a plane.
  Originals(const float* coefficients, const LatticeSize& size, float scale, double lambda, const uint8_t* weights)
      : coefficients_(coefficients),
        size_(size),
        scale_(scale),
        lambda_(static_cast<float>(lambda / 65536)),
        weights_(weights) {
    for (int i = 0; i < 256; ++i) {
      factors_[static_cast<size_t>(i)] =
          static_cast<float>(std::exp2(static_cast<double>(i - kEqualWeight) / kWeightsPerOctave));
    }
  }

  // The coefficients of a plane from there on.
  const float* row(int plane, int y, int x) const {
    return coefficients_ + static_cast<size_t>(plane) * size_.plane() + place(y, x);
  }
  // What squared errors count there.
  float weight(int y, int x) const { return weights_ ? factors_[weights_[place(y, x)]] : 1.0f; }
  float in_steps(float coefficient) const { return coefficient * scale_; }
  // The nearest even multiple of the step, over two.
  int nearest(float coefficient) const {
    constexpr float limit = static_cast<float>(kGreatestCoefficient);
    return static_cast<int>(std::lround(std::clamp(in_steps(coefficient), -limit, limit) / 2));
  }
  float lambda() const { return lambda_; }  // for 1/65536 bit
  float cost(const BitModel& model, int bit) const { return lambda_ * static_cast<float>(price(model, bit)); }

 private:
  size_t place(int y, int x) const {
    return static_cast<size_t>(y) * static_cast<size_t>(size_.columns) + static_cast<size_t>(x);
  }

  const float* coefficients_;
  LatticeSize size_;
  float scale_;
  float lambda_;
  const uint8_t* weights_;
  std::array<float, 256> factors_;
};

// What is made of a chunk's part of a band: its first coefficient in the first plane, its size, and where in a plane of
// coefficients it begins.
struct BandPart {
  BandPlace place;
  int rows, columns;
  int top, left;
  int level;
  int32_t* row(int plane, int y, int x = 0) const { return place.row(plane, y, x); }
  void clear(int plane) const {
    for (int y = 0; y < rows; ++y) std::fill_n(row(plane, y), columns, 0);
  }
};

template <class Coder>
class LatticeStream {
 public:
  LatticeStream(Coder& coder, const LatticeChunks& chunks, const Place& place, const Coefficients& bands,
                const Originals* originals, const Parallel& parallel, FilledBands* filled = nullptr)
      : coder_(coder),
        chunks_(chunks),
        place_(place),
        bands_(bands),
        originals_(originals),
        parallel_(parallel),
        filled_(filled),
        models_(stored_lattice_models()) {}

  // Down to that level; whether anything is not zero.
  bool code_all(int finest = 1) {
    const int coarsest = chunks_.coarsest_level(place_.tier);
    const int planes = chunks_.size().planes;
    if (chunks_.is_coarsest(place_.tier)) {
      for (int plane = 0; plane < planes; ++plane) code_low(plane);
    } else {
      for (int plane = 0; plane < planes; ++plane) look_up(plane, coarsest);
    }
    for (int level = coarsest; level >= std::max(finest, chunks_.finest_level(place_.tier)); --level) {
      for (int plane = 0; plane < planes; ++plane) {
        parallel_.checkpoint();
        code_band<kHL>(plane, part_of(level, kHL));
        code_band<kLH>(plane, part_of(level, kLH));
        code_band<kHH>(plane, part_of(level, kHH));
      }
    }
    require_bytes();
    return busy_;
  }

  // Of what an encoder has made of the coefficients: the sum of weighted squared errors, in squared steps.
  double error() const { return error_; }

 private:
  // Asked at every row of blocks: beyond the end of a damaged stream come large numbers, slow to read and without end.
  void require_bytes() const {
    if constexpr (Coder::kDecodes) {
      if (coder_.exhausted()) throw Error(ErrorKind::kFormat, "a chunk of the lattice ends too early");
    }
  }

  BandPart part_of(int level, Orientation orientation) const {
    const Area area = chunks_.part(place_, level, orientation), band = band_area(chunks_.size(), level, orientation);
    BandPlace place = bands_.band(level, orientation);
    place.first += area.top * place.row_step + area.left;
    return {place, area.rows(), area.columns(), band.top + area.top, band.left + area.left, level};
  }

  // The magnitudes above the coarsest level of this chunk, which stand in another one.
  void look_up(int plane, int level) {
    const Place above = chunks_.above(place_);
    for (const Orientation orientation : {kHL, kLH, kHH}) {
      const Area own = chunks_.part(place_, level, orientation), all = chunks_.part(above, level + 1, orientation);
      if (own.empty() || all.empty()) continue;
      const Area area{std::min(own.top / 2, all.bottom - 1), std::min(own.left / 2, all.right - 1),
                      std::min((own.bottom + 1) / 2, all.bottom), std::min((own.right + 1) / 2, all.right)};
      Magnitudes known(area.rows(), area.columns());
      const BandPlace& place = bands_.band(level + 1, orientation);
      for (int y = 0; y < area.rows(); ++y) {
        const int32_t* row = place.row(plane, area.top + y, area.left);
        for (int x = 0; x < area.columns(); ++x) {
          if (row[x] == 0) continue;
          known.put(y, x, std::min(code_magnitude(row[x]), Magnitudes::kGreatest), row[x] < 0);
        }
      }
      known_[static_cast<size_t>(plane)][orientation] = std::move(known);
    }
  }

  // The lowest band, even multiples of the step: half of each coefficient is coded as the difference from the mean of
  // those to its left and above.
  void code_low(int plane) {
    const Area area = lowest_area(chunks_.size(), chunks_.levels());
    for (int y = 0; y < area.rows(); ++y) {
      int32_t* const row = bands_.lowest().row(plane, y);
      const int32_t* const upper = bands_.lowest().row(plane, std::max(y - 1, 0));
      for (int x = 0; x < area.columns(); ++x) {
        int predicted = 0, half = 0;
        if (x > 0) predicted += row[x - 1] / 2;
        if (y > 0) predicted += upper[x] / 2;
        if (x > 0 && y > 0) predicted >>= 1;
        if constexpr (!Coder::kDecodes) half = originals_->nearest(originals_->row(plane, y, 0)[x]);
        half = predicted + models_.low[plane > 0].code(coder_, half - predicted);
        if (std::abs(half) > kGreatestCoefficient / 2) throw Error(ErrorKind::kFormat, "a coefficient is out of range");
        row[x] = 2 * half;
        busy_ = busy_ || row[x] != 0;
        if constexpr (!Coder::kDecodes) {
          const float off = originals_->in_steps(originals_->row(plane, y, 0)[x]) - static_cast<float>(row[x]);
          error_ += originals_->weight(y, x) * off * off;
        }
      }
    }
  }

  template <Orientation kOrientation>
  void code_band(int plane, const BandPart& band) {
    auto& known = known_[static_cast<size_t>(plane)][kOrientation];
    const Magnitudes parent = std::exchange(known, Magnitudes(band.rows, band.columns));
    const Surroundings around{&parent, plane > 0 ? &known_[0][kOrientation] : nullptr,
                              plane > 1 ? &known_[1][kOrientation] : nullptr, &known};
    const int blocks = (band.columns + kBlock - 1) / kBlock;
    std::vector<uint8_t> above(static_cast<size_t>(blocks));
    state_ = QuantiserState();
    for (int top = 0; top < band.rows; top += kBlock) {
      require_bytes();
      bool left_busy = false;
      for (int i = 0; i < blocks; ++i) {
        uint8_t& busy = above[static_cast<size_t>(i)];
        const Area area{top, i * kBlock, std::min(top + kBlock, band.rows), std::min((i + 1) * kBlock, band.columns)};
        busy = left_busy = code_block<kOrientation>(plane, band, around, area, busy + left_busy);
      }
    }
  }

  // Makes zeros of what lies where a band's first coefficients will.
  void fill(int plane, const BandPart& band, Orientation orientation) {
    if (std::exchange(filled_->at(band.level, plane, orientation), uint8_t{1}) == 0) band.clear(plane);
  }

  // Whether the block has anything; `beside` counts those of its left and upper neighbours that have.
  template <Orientation kOrientation>
  SMARTSPLAT_APART bool code_block(int plane, const BandPart& band, const Surroundings& around, const Area& area,
                                   int beside) {
    BandModels& models = models_.bands[plane > 0];
    SignModels& signs = models_.signs[static_cast<size_t>(plane)][kOrientation];
    const int luma = around.first ? count_up_to_two(*around.first, area) : 0;
    BitModel& flag = models.block[static_cast<size_t>(beside)][static_cast<size_t>(count_above(*around.parent, area))]
                                 [static_cast<size_t>(luma)];
    Choice<Coder> choice;
    bool busy = false;
    if constexpr (!Coder::kDecodes) busy = choose<kOrientation>(plane, band, around, area, models, signs, flag, choice);
    if (!coder_.bit(flag, busy)) return false;
    busy_ = true;
    if (filled_) fill(plane, band, kOrientation);
    code_coefficients<kOrientation>(plane, band, around, area, models, signs, choice);
    return true;
  }

  // Those of a block that is not zero. Where nothing is written there are zeros.
  template <Orientation kOrientation>
  void code_coefficients(int plane, const BandPart& band, const Surroundings& around, const Area& area,
                         BandModels& models, SignModels& signs, const Choice<Coder>& choice) {
    Held<Coder> held(coder_);
    auto& coder = held.coder;
    QuantiserState state = state_;
    [[maybe_unused]] size_t next = 0;
    [[maybe_unused]] float error = 0;
    for (int y = area.top; y < area.bottom; ++y) {
      const RowContexts<kOrientation> contexts(around, y);
      const BlockRow<kOrientation> block(contexts, area.left, area.columns());
      const uint8_t* const known = around.own->at(y, area.left);
      int left = known[-1], further = known[-2];
      int32_t* const row = band.row(plane, y, area.left);
      for (int i = 0; i < area.columns(); ++i) {
        int code = 0, magnitude = 0;
        const int quantiser = state.quantiser(), activity = block.activity(i, left, further);
        if constexpr (!Coder::kDecodes) {
          code = choice.codes[next];
          const float off = choice.values[next] - static_cast<float>(multiple_of(code, quantiser));
          error += choice.weights[next++] * off * off;
        }
        if (coder.bit(models.nonzero_at(quantiser, kOrientation, activity, block.few(i)), code != 0)) {
          const SignContext sign = contexts.sign(area.left + i);
          const bool negative = sign.turned(coder.bit(signs[sign.model()], sign.turned(code < 0)));
          const int luma = block.few(i) % CoefficientContext::kFew;
          const int size = models.code_size(coder, activity, luma, std::abs(code));
          code = negative ? -size : size;
          row[i] = multiple_of(code, quantiser);
          magnitude = std::min(size, Magnitudes::kGreatest);
          around.own->put(y, area.left + i, magnitude, negative);
        }
        state = state.after(code);
        further = left;
        left = magnitude;
      }
    }
    state_ = state;
    if constexpr (!Coder::kDecodes) error_ += error;
  }

  // The best codes of a block, and whether coding them costs less than leaving it out; then its error is told.
  template <Orientation kOrientation>
  bool choose(int plane, const BandPart& band, const Surroundings& around, const Area& area, BandModels& models,
              const SignModels& signs, const BitModel& flag, BlockValues& block) {
    const float lambda = originals_->lambda();
    // Hardly a coefficient gains more than what is above the price of a sign and of a bit that is likely. Signs that
    // are foreseen cost less, but with 0.6 bits instead none of 16 files changed.
    const float least = 1.5f * 65536 * lambda;
    float energy = 0, most_gain = 0;
    size_t i = 0;
    for (int y = area.top; y < area.bottom; ++y) {
      const float* const wanted = originals_->row(plane, band.top + y, band.left);
      for (int x = area.left; x < area.right; ++x) {
        const float value = originals_->in_steps(wanted[x]), weight = originals_->weight(band.top + y, band.left + x),
                    squared = weight * value * value;
        block.values[i] = value;
        block.weights[i++] = weight;
        energy += squared;
        most_gain += std::max(0.0f, squared - least);
      }
    }
    const float coded = originals_->cost(flag, 1), left_out = originals_->cost(flag, 0);
    if (most_gain > coded - left_out) {
      Trellis<kOrientation> trellis(models, signs, around, area, lambda, state_);
      const float cost = trellis.choose(block);
      const auto last = block.codes.begin() + static_cast<ptrdiff_t>(i);
      if (coded + cost < left_out + energy && std::any_of(block.codes.begin(), last, [](int c) { return c != 0; })) {
        return true;
      }
    }
    error_ += energy;
    return false;
  }

  Coder& coder_;
  const LatticeChunks& chunks_;
  const Place place_;
  const Coefficients& bands_;
  const Originals* originals_;
  const Parallel& parallel_;
  FilledBands* const filled_;                                   // null where memory holds zeros
  std::array<std::array<Magnitudes, kOrientations>, 3> known_;  // of each plane, the last band coded
  LatticeModels models_;
  QuantiserState state_;  // of the band
  bool busy_ = false;
  double error_ = 0;
};

// Touching new memory is the slow part of it.
void clear(std::span<int32_t> values, const Parallel& parallel) {
  constexpr size_t kPart = 1 << 16;
  parallel.for_each((values.size() + kPart - 1) / kPart, [&](size_t part) {
    std::fill_n(values.data() + part * kPart, std::min(kPart, values.size() - part * kPart), 0);
  });
}

// Calls body(chunk, place) for all of them: the tiers one after the other, the chunks of one at the same time.
template <class Body>
void for_each_chunk(const Tiers& tiers, const Parallel& parallel, Body body) {
  for (int tier = tiers.count() - 1; tier >= 0; --tier) {
    parallel.for_each(tiers.squares(tier).count(), [&](size_t i) {
      const uint64_t chunk = tiers.first(tier) + i;
      body(chunk, tiers.place(chunk));
    });
  }
}

// Where chunks put what they code if nobody wants it afterwards: in planes of all but the finest tier, since finer
// tiers look up, and of a chunk of the finest one in a single row, which nobody reads.
class Passing {
 public:
  explicit Passing(const LatticeChunks& chunks)
      : chunks_(chunks), skipped_(chunks.tiers().count() > 1 ? chunks.coarsest_level(0) : 0) {
    const LatticeSize& size = chunks.size();
    const LatticeSize kept{size.planes, side_at(size.rows, skipped_), side_at(size.columns, skipped_)};
    coarser_.assign(kept.count(), 0);
    const Coefficients bands(kept, chunks.levels() - skipped_, coarser_.data());
    bands_.resize(static_cast<size_t>(chunks.levels() + 1) * kOrientations);
    bands_[0] = bands.lowest();
    for (int level = skipped_ + 1; level <= chunks.levels(); ++level) {
      for (const Orientation orientation : {kHL, kLH, kHH})
        at(bands_, level, orientation) = bands.band(level - skipped_, orientation);
    }
  }

  // The bands for a chunk; `memory` is its own.
  Coefficients bands(const Place& place, std::vector<int32_t>& memory) const {
    std::vector<BandPlace> bands = bands_;
    size_t longest = 0;
    for (int level = 1; level <= skipped_ && place.tier == 0; ++level) {
      for (const Orientation orientation : {kHL, kLH, kHH}) {
        const Area area = chunks_.part(place, level, orientation);
        at(bands, level, orientation) = {nullptr, 0, 0, -ptrdiff_t{area.left}};
        longest = std::max(longest, static_cast<size_t>(std::max(area.columns(), 0)));
      }
    }
    memory.resize(longest);
    for (BandPlace& band : bands) {
      if (!band.at) band.at = memory.data();
    }
    return Coefficients(std::move(bands));
  }

 private:
  static BandPlace& at(std::vector<BandPlace>& bands, int level, Orientation orientation) {
    return bands[static_cast<size_t>(level * kOrientations + orientation)];
  }

  const LatticeChunks& chunks_;
  int skipped_;
  std::vector<int32_t> coarser_;
  std::vector<BandPlace> bands_;
};

// `bands(place, memory)` are those that a chunk's integers go to.
template <class Bands>
EncodedLattice encode_chunks(const LatticeChunks& chunks, const Originals& originals, const Parallel& parallel,
                             Bands bands) {
  std::vector<std::vector<uint8_t>> streams(chunks.tiers().chunks());
  std::vector<double> errors(streams.size());
  for_each_chunk(chunks.tiers(), parallel, [&](uint64_t chunk, const Place& place) {
    Encoder encoder;
    std::vector<int32_t> memory;
    const Coefficients own = bands(place, memory);
    const auto stream = std::make_unique<LatticeStream<Encoder>>(encoder, chunks, place, own, &originals, parallel);
    const bool busy = stream->code_all();
    errors[chunk] = stream->error();
    if (!busy) return;
    streams[chunk] = encoder.finish();
    if (streams[chunk].empty()) streams[chunk].push_back(0);  // for no bytes at all mean that all is zero
  });
  return {std::move(streams), std::accumulate(errors.begin(), errors.end(), 0.0)};
}

}  // namespace

EncodedLattice encode_lattice(std::span<const float> coefficients, const LatticeChunks& chunks, float scale,
                              double lambda, const uint8_t* weights, std::span<int32_t> quantised,
                              const Parallel& parallel) {
  clear(quantised, parallel);
  const Originals originals(coefficients.data(), chunks.size(), scale, lambda, weights);
  const Coefficients whole(chunks.size(), chunks.levels(), quantised.data());
  return encode_chunks(chunks, originals, parallel, [&](const Place&, std::vector<int32_t>&) { return whole; });
}

EncodedLattice encode_lattice(std::span<const float> coefficients, const LatticeChunks& chunks, float scale,
                              double lambda, const uint8_t* weights, const Parallel& parallel) {
  const Originals originals(coefficients.data(), chunks.size(), scale, lambda, weights);
  const Passing passing(chunks);
  return encode_chunks(chunks, originals, parallel,
                       [&](const Place& place, std::vector<int32_t>& memory) { return passing.bands(place, memory); });
}

namespace {

void decode_chunk(std::span<const uint8_t> chunk, const LatticeChunks& chunks, const Place& place,
                  const Coefficients& bands, const Parallel& parallel, int finest, FilledBands* filled) {
  if (chunk.empty()) return;
  Decoder decoder(chunk);
  std::make_unique<LatticeStream<Decoder>>(decoder, chunks, place, bands, nullptr, parallel, filled)->code_all(finest);
  if (finest > chunks.finest_level(place.tier)) return;
  if (!decoder.unread().empty()) throw Error(ErrorKind::kFormat, "a chunk of the lattice is longer than it should be");
}

}  // namespace

void decode_lattice_chunk(std::span<const uint8_t> chunk, const LatticeChunks& chunks, const Place& place,
                          const Coefficients& bands, const Parallel& parallel, int finest) {
  decode_chunk(chunk, chunks, place, bands, parallel, finest, nullptr);
}

void decode_lattice_chunk(std::span<const uint8_t> chunk, const LatticeChunks& chunks, const Place& place,
                          const Coefficients& bands, FilledBands& filled, const Parallel& parallel) {
  decode_chunk(chunk, chunks, place, bands, parallel, chunks.finest_level(place.tier), &filled);
}

void decode_lattice(const ChunkSource& source, const LatticeChunks& chunks, std::span<int32_t> values,
                    const Parallel& parallel) {
  clear(values, parallel);
  const Coefficients bands(chunks.size(), chunks.levels(), values.data());
  for_each_chunk(chunks.tiers(), parallel, [&](uint64_t chunk, const Place& place) {
    decode_lattice_chunk(source(chunk), chunks, place, bands, parallel);
  });
}

}  // namespace smartsplat
