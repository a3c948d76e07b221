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

  // By the activity, then by what CoefficientContext::few() says.
  using PerActivity = std::array<std::array<BitModel, CoefficientContext::kFew * CoefficientContext::kFew>,
                                 CoefficientContext::kActivities>;

  std::array<std::array<PerActivity, 2>, kQuantisers> nonzero;  // diagonal bands, others
  std::array<PerFew<BitModel>, CoefficientContext::kActivities> greater;
  std::array<MagnitudeModel, CoefficientContext::kActivities / 3> rest;
  PerFew<PerFew<PerFew<BitModel>>> block;

  BitModel& nonzero_at(int quantiser, Orientation orientation, int activity, int few) {
    return nonzero[static_cast<size_t>(quantiser)][orientation != kHH][static_cast<size_t>(activity)]
                  [static_cast<size_t>(few)];
  }
  BitModel& nonzero_at(const CoefficientContext& c, Orientation orientation) {
    return nonzero_at(c.quantiser, orientation, c.activity, c.few());
  }
  BitModel& greater_at(const CoefficientContext& c) { return greater_at(c.activity, c.luma); }
  BitModel& greater_at(int activity, int luma) {
    return greater[static_cast<size_t>(activity)][static_cast<size_t>(luma)];
  }
  static size_t group_of(const CoefficientContext& c) { return static_cast<size_t>(c.activity) / 3; }

  // The magnitude of a code that is not zero.
  template <class Coder>
  int code_size(Coder& coder, int activity, int luma, int value) {
    if (!coder.bit(greater_at(activity, luma), value > 1)) return 1;
    Held<Coder> apart(coder);
    return 2 + rest[static_cast<size_t>(activity) / 3].code(apart.coder, value - 2);
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
