#include "coding/lattice_stream.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "coding/lattice_models.h"
#include "coding/magnitudes.h"
#include "coding/range_coder.h"
#include "common/error.h"
#include "format/format.h"

namespace smartsplat {
namespace {

using Context = CoefficientContext;

// Chooses what coefficients become; only encoders do.
class Chooser {
 public:
  // `quantised` are the places of the coefficients; `plane` is how many a plane has.
  Chooser(const float* coefficients, const int32_t* quantised, size_t plane, float scale, double lambda,
          const uint8_t* weights)
      : coefficients_(coefficients),
        quantised_(quantised),
        plane_(static_cast<ptrdiff_t>(plane)),
        scale_(scale),
        lambda_(static_cast<float>(lambda / 65536)),
        weights_(weights) {
    for (int i = 0; i < 256; ++i) {
      factors_[static_cast<size_t>(i)] =
          static_cast<float>(std::exp2(static_cast<double>(i - kEqualWeight) / kWeightsPerOctave));
    }
  }

  // The best value at a place; adds its cost.
  int choose(const int32_t* place, BandModels& models, const Context& c, Orientation orientation, double& total) const {
    const float value = at(place), size = std::min(std::abs(value), static_cast<float>(kGreatestCoefficient));
    const int nearest = static_cast<int>(size + 0.5f);
    const float weight = weight_at(place);
    int best = 0;
    float cost = weight * size * size + lambda_ * static_cast<float>(price(models.nonzero_at(c, orientation), 0));
    for (int candidate = std::max(1, nearest - 1); candidate <= nearest; ++candidate) {
      Pricer pricer;
      models.code(pricer, c, orientation, candidate);
      const float d = size - static_cast<float>(candidate),
                  trial = weight * d * d + lambda_ * static_cast<float>(pricer.price());
      if (trial < cost) {
        cost = trial;
        best = candidate;
      }
    }
    total += cost;
    return value < 0 ? -best : best;
  }
  int nearest(const int32_t* place) const {
    constexpr float limit = static_cast<float>(kGreatestCoefficient);
    return static_cast<int>(std::lround(std::clamp(at(place), -limit, limit)));
  }
  double energy(const int32_t* place) const { return static_cast<double>(at(place)) * at(place) * weight_at(place); }
  double cost(const BitModel& model, int bit) const { return static_cast<double>(lambda_) * price(model, bit); }

 private:
  float at(const int32_t* place) const { return coefficients_[place - quantised_] * scale_; }

  float weight_at(const int32_t* place) const {
    return weights_ == nullptr ? 1.0f : factors_[weights_[(place - quantised_) % plane_]];
  }

  const float* coefficients_;
  const int32_t* quantised_;
  ptrdiff_t plane_;
  float scale_;
  float lambda_;            // for 1/65536 bit
  const uint8_t* weights_;  // of each place of a plane; none stands for equal ones
  std::array<float, 256> factors_;
};

// What is made of a chunk's part of a band: its first coefficient in the first plane, and its size.
struct BandPart {
  BandPlace place;
  int rows, columns;
  int32_t* row(int plane, int y) const { return place.row(plane, y); }
};

template <class Coder>
class LatticeStream {
 public:
  LatticeStream(Coder& coder, const LatticeChunks& chunks, const Place& place, const Coefficients& bands,
                const Chooser* chooser, const Parallel& parallel)
      : coder_(coder),
        chunks_(chunks),
        place_(place),
        bands_(bands),
        chooser_(chooser),
        parallel_(parallel),
        models_(stored_lattice_models()) {}

  // Whether anything is not zero.
  bool code_all() {
    const int coarsest = chunks_.coarsest_level(place_.tier);
    const int planes = chunks_.size().planes;
    if (chunks_.is_coarsest(place_.tier)) {
      for (int plane = 0; plane < planes; ++plane) code_low(plane);
    } else {
      for (int plane = 0; plane < planes; ++plane) look_up(plane, coarsest);
    }
    for (int level = coarsest; level >= chunks_.finest_level(place_.tier); --level) {
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

 private:
  // Asked at every row of blocks: beyond the end of a damaged stream come large numbers, slow to read and without end.
  void require_bytes() const {
    if constexpr (Coder::kDecodes) {
      if (coder_.exhausted()) throw Error(ErrorKind::kFormat, "a chunk of the lattice ends too early");
    }
  }

  BandPart part_of(int level, Orientation orientation) const {
    const Area area = chunks_.part(place_, level, orientation);
    BandPlace place = bands_.band(level, orientation);
    place.first += area.top * place.row_step + area.left;
    return {place, area.rows(), area.columns()};
  }

  // The magnitudes above the coarsest level of this chunk, which stand in another one.
  void look_up(int plane, int level) {
    const Place above = LatticeChunks::above(place_);
    for (const Orientation orientation : {kHL, kLH, kHH}) {
      const Area own = chunks_.part(place_, level, orientation), all = chunks_.part(above, level + 1, orientation);
      if (own.empty() || all.empty()) continue;
      const Area area{std::min(own.top / 2, all.bottom - 1), std::min(own.left / 2, all.right - 1),
                      std::min((own.bottom + 1) / 2, all.bottom), std::min((own.right + 1) / 2, all.right)};
      Magnitudes known(area.rows(), area.columns());
      const BandPlace& place = bands_.band(level + 1, orientation);
      for (int y = 0; y < area.rows(); ++y) {
        const int32_t* row = place.row(plane, area.top + y, area.left);
        for (int x = 0; x < area.columns(); ++x) known.put(y, x, row[x]);
      }
      known_[static_cast<size_t>(plane)][orientation] = std::move(known);
    }
  }

  // The lowest band: each coefficient's difference from the mean of those to its left and above.
  void code_low(int plane) {
    const Area area = lowest_area(chunks_.size(), chunks_.levels());
    for (int y = 0; y < area.rows(); ++y) {
      int32_t* const row = bands_.lowest().row(plane, y);
      const int32_t* const upper = bands_.lowest().row(plane, std::max(y - 1, 0));
      for (int x = 0; x < area.columns(); ++x) {
        int predicted = 0;
        if (x > 0) predicted += row[x - 1];
        if (y > 0) predicted += upper[x];
        if (x > 0 && y > 0) predicted >>= 1;
        if constexpr (!Coder::kDecodes) row[x] = chooser_->nearest(row + x);
        row[x] = predicted + models_.low[plane > 0].code(coder_, row[x] - predicted);
        if (std::abs(row[x]) > kGreatestCoefficient) throw Error(ErrorKind::kFormat, "a coefficient is out of range");
        busy_ = busy_ || row[x] != 0;
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

  // Whether the block has anything; `beside` counts those of its left and upper neighbours that have.
  template <Orientation kOrientation>
  bool code_block(int plane, const BandPart& band, const Surroundings& around, const Area& area, int beside) {
    BandModels& models = models_.bands[plane > 0];
    const int luma = around.first ? count_up_to_two(*around.first, area) : 0;
    BitModel& flag = models.block[static_cast<size_t>(beside)][static_cast<size_t>(count_above(*around.parent, area))]
                                 [static_cast<size_t>(luma)];
    bool busy = false;
    if constexpr (!Coder::kDecodes) busy = is_worth<kOrientation>(plane, band, around, area, models, flag);
    if (!coder_.bit(flag, busy)) return false;
    busy_ = true;
    for (int y = area.top; y < area.bottom; ++y) {
      const RowContexts<kOrientation> contexts(around, y);
      int32_t* const row = band.row(plane, y);
      for (int x = area.left; x < area.right; ++x) {
        const Context c = contexts.at(x);
        int value = 0;
        double cost = 0;
        if constexpr (!Coder::kDecodes) value = chooser_->choose(row + x, models, c, kOrientation, cost);
        value = models.code(coder_, c, kOrientation, value);
        row[x] = value;
        around.own->put(y, x, value);
      }
    }
    return true;
  }

  // Whether coding a block costs less than leaving it out.
  template <Orientation kOrientation>
  bool is_worth(int plane, const BandPart& band, const Surroundings& around, const Area& area, BandModels& models,
                const BitModel& flag) {
    double coded = chooser_->cost(flag, 1), left_out = chooser_->cost(flag, 0);
    bool any = false;
    for (int y = area.top; y < area.bottom; ++y) {
      const RowContexts<kOrientation> contexts(around, y);
      const int32_t* const row = band.row(plane, y);
      for (int x = area.left; x < area.right; ++x) {
        const int value = chooser_->choose(row + x, models, contexts.at(x), kOrientation, coded);
        any = any || value != 0;
        left_out += chooser_->energy(row + x);
        around.own->put(y, x, value);
      }
    }
    for (int y = area.top; y < area.bottom; ++y) {
      std::fill(around.own->at(y, area.left), around.own->at(y, area.right), 0);
    }
    return any && coded < left_out;
  }

  Coder& coder_;
  const LatticeChunks& chunks_;
  const Place place_;
  const Coefficients& bands_;
  const Chooser* chooser_;
  const Parallel& parallel_;
  std::array<std::array<Magnitudes, kOrientations>, 3> known_;  // of each plane, the last band coded
  LatticeModels models_;
  bool busy_ = false;
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

}  // namespace

std::vector<std::vector<uint8_t>> encode_lattice(std::span<const float> coefficients, const LatticeChunks& chunks,
                                                 float scale, double lambda, const uint8_t* weights,
                                                 std::span<int32_t> quantised, const Parallel& parallel) {
  clear(quantised, parallel);
  const Chooser chooser(coefficients.data(), quantised.data(), chunks.size().plane(), scale, lambda, weights);
  const Coefficients bands(chunks.size(), chunks.levels(), quantised.data());
  std::vector<std::vector<uint8_t>> streams(chunks.tiers().chunks());
  for_each_chunk(chunks.tiers(), parallel, [&](uint64_t chunk, const Place& place) {
    Encoder encoder;
    if (!std::make_unique<LatticeStream<Encoder>>(encoder, chunks, place, bands, &chooser, parallel)->code_all())
      return;
    streams[chunk] = encoder.finish();
    if (streams[chunk].empty()) streams[chunk].push_back(0);  // for no bytes at all mean that all is zero
  });
  return streams;
}

void decode_lattice_chunk(std::span<const uint8_t> chunk, const LatticeChunks& chunks, const Place& place,
                          const Coefficients& bands, const Parallel& parallel) {
  if (chunk.empty()) return;
  Decoder decoder(chunk);
  std::make_unique<LatticeStream<Decoder>>(decoder, chunks, place, bands, nullptr, parallel)->code_all();
  if (!decoder.unread().empty()) throw Error(ErrorKind::kFormat, "a chunk of the lattice is longer than it should be");
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
