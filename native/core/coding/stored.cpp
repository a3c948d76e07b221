#include "coding/stored.h"

#include "coding/lattice_models.h"
#include "coding/splat_models.h"

namespace smartsplat {
namespace {

constexpr StoredModel kLatticeModels[] = {
#include "coding/lattice_probabilities.inc"
};
constexpr StoredModel kSplatModels[] = {
#include "coding/splat_probabilities.inc"
};

}  // namespace

const LatticeModels& stored_lattice_models() {
  static const LatticeModels models = with_stored<LatticeModels>(kLatticeModels);
  return models;
}

const SplatModels& stored_splat_models() {
  static const SplatModels models = with_stored<SplatModels>(kSplatModels);
  return models;
}

}  // namespace smartsplat
