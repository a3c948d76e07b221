#include "coding/lattice_stream.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "coding/magnitudes.h"
#include "coding/models.h"
#include "coding/range_coder.h"
#include "common/error.h"
#include "format/format.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

using Context = CoefficientContext;

// The adaptive models of coefficients of one kind of plane.
struct BandModels {
  template <class T>
  using PerFew = std::array<T, Context::kFew>;

  std::array<std::array<PerFew<PerFew<BitModel>>, Context::kActivities>, 2> nonzero;  // of diagonal bands, of others
  std::array<PerFew<BitModel>, Context::kActivities> greater;
  std::array<MagnitudeModel, Context::kActivities / 3> rest;
  PerFew<PerFew<PerFew<BitModel>>> block;

  BitModel& nonzero_at(const Context& c, Orientation orientation) {
    return nonzero[orientation != kHH][static_cast<size_t>(c.activity)][static_cast<size_t>(c.parent)]
                  [static_cast<size_t>(c.luma)];
  }

  template <class Coder>
  int code(Coder& coder, const Context& c, Orientation orientation, int value) {
    if (!coder.bit(nonzero_at(c, orientation), value != 0)) return 0;
    const bool negative = coder.raw(1, value < 0);
    const int size = std::abs(value);
    const size_t activity = static_cast<size_t>(c.activity);
    int result = 1;
    if (coder.bit(greater[activity][static_cast<size_t>(c.luma)], size > 1)) {
      result = 2 + rest[activity / 3].code(coder, size - 2);
    }
    return negative ? -result : result;
  }
};

// Chooses what coefficients become; only encoders do.
class Chooser {
 public:
  Chooser(std::span<const float> coefficients, float scale, double lambda)
      : coefficients_(coefficients), scale_(scale), lambda_(static_cast<float>(lambda / 65536)) {}

  // The best value at a place; adds its cost.
  int choose(size_t index, BandModels& models, const Context& c, Orientation orientation, double& total) const {
    const float value = at(index), size = std::min(std::abs(value), static_cast<float>(kGreatestCoefficient));
    const int nearest = static_cast<int>(size + 0.5f);
    int best = 0;
    float cost = size * size + lambda_ * static_cast<float>(price(models.nonzero_at(c, orientation), 0));
    for (int candidate = std::max(1, nearest - 1); candidate <= nearest; ++candidate) {
      Pricer pricer;
      models.code(pricer, c, orientation, candidate);
      const float d = size - static_cast<float>(candidate),
                  trial = d * d + lambda_ * static_cast<float>(pricer.price());
      if (trial < cost) {
        cost = trial;
        best = candidate;
      }
    }
    total += cost;
    return value < 0 ? -best : best;
  }
  int nearest(size_t index) const {
    constexpr float limit = static_cast<float>(kGreatestCoefficient);
    return static_cast<int>(std::lround(std::clamp(at(index), -limit, limit)));
  }
  double energy(size_t index) const { return static_cast<double>(at(index)) * at(index); }
  double cost(const BitModel& model, int bit) const { return static_cast<double>(lambda_) * price(model, bit); }

 private:
  float at(size_t index) const { return coefficients_[index] * scale_; }

  std::span<const float> coefficients_;
  float scale_;
  float lambda_;  // for 1/65536 bit
};

struct Band {
  int y, x, columns;       // place in the plane, and width
  int first_row, end_row;  // of the strip
};

template <class Coder>
class LatticeStream {
 public:
  LatticeStream(Coder& coder, const LatticeSize& size, int strip, std::span<int32_t> values, const Chooser* chooser,
                const Parallel& parallel)
      : coder_(coder), size_(size), strip_(strip), values_(values), chooser_(chooser), parallel_(parallel) {}

  void code_all() {
    const int levels = wavelet_levels(size_.rows, size_.columns);
    const int rows = side_at(size_.rows, levels), columns = side_at(size_.columns, levels);
    for (int plane = 0; plane < size_.planes && strip_ == 0; ++plane) code_low(plane, rows, columns);
    for (int level = levels; level > 0; --level) {
      for (int plane = 0; plane < size_.planes; ++plane) {
        parallel_.checkpoint();
        code_level(plane, level);
      }
    }
    require_bytes();
  }

 private:
  // Asked at every row of blocks: beyond the end of a damaged stream come large numbers, slow to read and without end.
  void require_bytes() const {
    if constexpr (Coder::kDecodes) {
      if (coder_.exhausted()) throw Error(ErrorKind::kFormat, "a stream of the lattice ends too early");
    }
  }

  size_t index(int plane, int y, int x) const {
    return static_cast<size_t>(plane) * size_.plane() + static_cast<size_t>(y) * static_cast<size_t>(size_.columns) +
           static_cast<size_t>(x);
  }

  // The lowest band: each coefficient's difference from the mean of those to its left and above.
  void code_low(int plane, int rows, int columns) {
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        int predicted = 0;
        if (x > 0) predicted += values_[index(plane, y, x - 1)];
        if (y > 0) predicted += values_[index(plane, y - 1, x)];
        if (x > 0 && y > 0) predicted >>= 1;
        const size_t place = index(plane, y, x);
        if constexpr (!Coder::kDecodes) values_[place] = chooser_->nearest(place);
        values_[place] = predicted + low_[plane > 0].code(coder_, values_[place] - predicted);
        if (std::abs(values_[place]) > kGreatestCoefficient)
          throw Error(ErrorKind::kFormat, "a coefficient is out of range");
      }
    }
  }

  void code_level(int plane, int level) {
    const int r0 = side_at(size_.rows, level), c0 = side_at(size_.columns, level);
    const int r1 = side_at(size_.rows, level - 1), c1 = side_at(size_.columns, level - 1);
    code_band<kHL>(plane, band_of(0, c0, r0, c1 - c0));
    code_band<kLH>(plane, band_of(r0, 0, r1 - r0, c0));
    code_band<kHH>(plane, band_of(r0, c0, r1 - r0, c1 - c0));
  }

  // The rows of a band that belong to this strip, in whole blocks.
  Band band_of(int y, int x, int rows, int columns) const {
    const int64_t blocks = (rows + kBlock - 1) / kBlock, strips = size_.strips();
    const auto border = [&](int64_t strip) {
      return std::min(rows, static_cast<int>(blocks * strip / strips) * kBlock);
    };
    return {y, x, columns, border(strip_), border(strip_ + 1)};
  }

  template <Orientation kOrientation>
  void code_band(int plane, const Band& band) {
    auto& known = known_[static_cast<size_t>(plane)][kOrientation];
    const Magnitudes parent =
        std::exchange(known, Magnitudes(band.first_row, band.end_row - band.first_row, band.columns));
    const Surroundings around{&parent, plane > 0 ? &known_[0][kOrientation] : nullptr,
                              plane > 1 ? &known_[1][kOrientation] : nullptr, &known};
    const int blocks = (band.columns + kBlock - 1) / kBlock;
    std::vector<uint8_t> above(static_cast<size_t>(blocks));
    for (int top = band.first_row; top < band.end_row; top += kBlock) {
      require_bytes();
      bool left_busy = false;
      for (int i = 0; i < blocks; ++i) {
        uint8_t& busy = above[static_cast<size_t>(i)];
        const Area area{top, i * kBlock, std::min(top + kBlock, band.end_row),
                        std::min((i + 1) * kBlock, band.columns)};
        busy = left_busy = code_block<kOrientation>(plane, band, around, area, busy + left_busy);
      }
    }
  }

  // Whether the block has anything; `beside` counts those of its left and upper neighbours that have.
  template <Orientation kOrientation>
  bool code_block(int plane, const Band& band, const Surroundings& around, const Area& area, int beside) {
    BandModels& models = models_[plane > 0];
    const int luma = around.first ? count_up_to_two(*around.first, area) : 0;
    BitModel& flag = models.block[static_cast<size_t>(beside)][static_cast<size_t>(count_above(*around.parent, area))]
                                 [static_cast<size_t>(luma)];
    bool busy = false;
    if constexpr (!Coder::kDecodes) busy = is_worth<kOrientation>(plane, band, around, area, models, flag);
    if (!coder_.bit(flag, busy)) return false;
    for (int y = area.top; y < area.bottom; ++y) {
      const RowContexts<kOrientation> contexts(around, y);
      const size_t row = index(plane, band.y + y, band.x);
      for (int x = area.left; x < area.right; ++x) {
        const Context c = contexts.at(x);
        int value = 0;
        double cost = 0;
        if constexpr (!Coder::kDecodes) value = chooser_->choose(row + x, models, c, kOrientation, cost);
        value = models.code(coder_, c, kOrientation, value);
        values_[row + x] = value;
        around.own->put(y, x, value);
      }
    }
    return true;
  }

  // Whether coding a block costs less than leaving it out.
  template <Orientation kOrientation>
  bool is_worth(int plane, const Band& band, const Surroundings& around, const Area& area, BandModels& models,
                const BitModel& flag) {
    double coded = chooser_->cost(flag, 1), left_out = chooser_->cost(flag, 0);
    bool any = false;
    for (int y = area.top; y < area.bottom; ++y) {
      const RowContexts<kOrientation> contexts(around, y);
      const size_t row = index(plane, band.y + y, band.x);
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
  const LatticeSize size_;
  const int strip_;
  std::span<int32_t> values_;
  const Chooser* chooser_;
  const Parallel& parallel_;
  std::array<std::array<Magnitudes, 3>, 3> known_;  // of each plane and orientation, the last band coded
  std::array<BandModels, 2> models_;                // of the first plane, of the others
  std::array<SignedModel, 2> low_;
};

}  // namespace

int LatticeSize::strips() const {
  return static_cast<int>(std::clamp<size_t>(plane() / kNodesPerStrip, 1, kMostStrips));
}

std::vector<std::vector<uint8_t>> encode_lattice(std::span<const float> coefficients, const LatticeSize& size,
                                                 float scale, double lambda, std::span<int32_t> quantised,
                                                 const Parallel& parallel) {
  std::fill(quantised.begin(), quantised.end(), 0);
  const Chooser chooser(coefficients, scale, lambda);
  std::vector<std::vector<uint8_t>> streams(static_cast<size_t>(size.strips()));
  parallel.for_each(streams.size(), [&](size_t strip) {
    Encoder encoder;
    std::make_unique<LatticeStream<Encoder>>(encoder, size, static_cast<int>(strip), quantised, &chooser, parallel)
        ->code_all();
    streams[strip] = encoder.finish();
  });
  return streams;
}

void decode_lattice(std::span<const std::span<const uint8_t>> streams, const LatticeSize& size,
                    std::span<int32_t> values, const Parallel& parallel) {
  constexpr size_t kPart = 1 << 16;  // touching new memory is the slow part of it
  parallel.for_each((values.size() + kPart - 1) / kPart, [&](size_t part) {
    std::fill_n(values.data() + part * kPart, std::min(kPart, values.size() - part * kPart), 0);
  });
  parallel.for_each(streams.size(), [&](size_t strip) {
    Decoder decoder(streams[strip]);
    std::make_unique<LatticeStream<Decoder>>(decoder, size, static_cast<int>(strip), values, nullptr, parallel)
        ->code_all();
    // Zeros may follow: a section must be long enough for its nodes.
    if (!decoder.only_zeros_unread()) {
      throw Error(ErrorKind::kFormat, "a stream of the lattice is longer than it should be");
    }
  });
}

}  // namespace smartsplat
