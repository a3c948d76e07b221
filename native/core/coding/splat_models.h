// The adaptive models of splats. SPEC.md counts the models in the order in which they stand here.
#pragma once

#include <array>

#include "coding/models.h"
#include "format/format.h"

namespace smartsplat {

struct SplatModels {
  std::array<std::array<BitModel, 8>, 8> few;
  std::array<SymbolModel<4>, 8> many;
  std::array<SymbolModel<4>, 24> energy;
  std::array<SignedModel, 16> size;
  std::array<MagnitudeModel, 16> ratio;
  std::array<std::array<BitModel, 8>, kMostTurnBits + 1> turn;
  std::array<SignedModel, 16> luma;
  std::array<std::array<SignedModel, 8>, 16> first_difference;
  std::array<std::array<SignedModel, 4>, 16> second_difference;
};

// As every chunk begins with them.
const SplatModels& stored_splat_models();

}  // namespace smartsplat
