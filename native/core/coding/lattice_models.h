// The adaptive models of a lattice's coefficients.
#pragma once

#include <array>
#include <cstdlib>

#include "coding/magnitudes.h"
#include "coding/models.h"
#include "coding/quantisers.h"

namespace smartsplat {

// Those of coefficients of one kind of plane. SPEC.md counts the models in the order in which they stand here.
struct BandModels {
  template <class T>
  using PerFew = std::array<T, CoefficientContext::kFew>;

  using PerActivity = std::array<PerFew<PerFew<BitModel>>, CoefficientContext::kActivities>;

  std::array<std::array<PerActivity, 2>, kQuantisers> nonzero;  // diagonal bands, others
  std::array<PerFew<BitModel>, CoefficientContext::kActivities> greater;
  std::array<MagnitudeModel, CoefficientContext::kActivities / 3> rest;
  PerFew<PerFew<PerFew<BitModel>>> block;

  BitModel& nonzero_at(const CoefficientContext& c, Orientation orientation) {
    return nonzero[static_cast<size_t>(c.quantiser)][orientation != kHH][static_cast<size_t>(c.activity)]
                  [static_cast<size_t>(c.parent)][static_cast<size_t>(c.luma)];
  }
  BitModel& greater_at(const CoefficientContext& c) {
    return greater[static_cast<size_t>(c.activity)][static_cast<size_t>(c.luma)];
  }
  static size_t group_of(const CoefficientContext& c) { return static_cast<size_t>(c.activity) / 3; }

  // `code_sign(negative)` codes whether a coefficient is negative.
  template <class Coder, class CodeSign>
  int code(Coder& coder, const CoefficientContext& c, Orientation orientation, int value, CodeSign code_sign) {
    if (!coder.bit(nonzero_at(c, orientation), value != 0)) return 0;
    const bool negative = code_sign(value < 0);
    const int size = std::abs(value);
    int result = 1;
    if (coder.bit(greater_at(c), size > 1)) result = 2 + rest[group_of(c)].code(coder, size - 2);
    return negative ? -result : result;
  }
};

// Of signs: sure ones would let a few bytes hold coefficients without end, none of them zero.
using SignModels = std::array<UnsureBitModel, SignContext::kModels>;

struct LatticeModels {
  std::array<BandModels, 2> bands;                             // of the first plane, of the others
  std::array<SignedModel, 2> low;                              // likewise
  std::array<std::array<SignModels, kOrientations>, 3> signs;  // by plane and orientation
};

// As every chunk begins with them.
const LatticeModels& stored_lattice_models();

}  // namespace smartsplat
