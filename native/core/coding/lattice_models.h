// The adaptive models of a lattice's coefficients.
#pragma once

#include <array>
#include <cstdlib>

#include "coding/magnitudes.h"
#include "coding/models.h"

namespace smartsplat {

// Those of coefficients of one kind of plane. SPEC.md counts the models in the order in which they stand here.
struct BandModels {
  template <class T>
  using PerFew = std::array<T, CoefficientContext::kFew>;

  std::array<std::array<PerFew<PerFew<BitModel>>, CoefficientContext::kActivities>, 2>
      nonzero;  // diagonal bands, others
  std::array<PerFew<BitModel>, CoefficientContext::kActivities> greater;
  std::array<MagnitudeModel, CoefficientContext::kActivities / 3> rest;
  PerFew<PerFew<PerFew<BitModel>>> block;

  BitModel& nonzero_at(const CoefficientContext& c, Orientation orientation) {
    return nonzero[orientation != kHH][static_cast<size_t>(c.activity)][static_cast<size_t>(c.parent)]
                  [static_cast<size_t>(c.luma)];
  }

  template <class Coder>
  int code(Coder& coder, const CoefficientContext& c, Orientation orientation, int value) {
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

struct LatticeModels {
  std::array<BandModels, 2> bands;  // of the first plane, of the others
  std::array<SignedModel, 2> low;   // likewise
};

// As every chunk begins with them.
const LatticeModels& stored_lattice_models();

}  // namespace smartsplat
