#include "coding/stored.h"

#include "coding/lattice_models.h"
#include "coding/splat_models.h"

namespace smartsplat {
namespace {

constexpr StoredModel kLattice[] = {
#include "coding/lattice_probabilities.inc"
};
constexpr StoredModel kSplats[] = {
#include "coding/splat_probabilities.inc"
};
constexpr StoredColumns kLatticeModels(kLattice);
constexpr StoredColumns kSplatModels(kSplats);

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
