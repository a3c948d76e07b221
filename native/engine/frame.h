// A view with splats placed in it, and the passes over its tiles.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/bins.h"
#include "engine/view.h"
#include "lattice/lattice.h"

namespace smartsplat {

enum class Loss { kSquared, kAbsolute, kAbsoluteSsim };

// Mean over pixels and channels. `weight` is that of the absolute part, lambda_l of Eq. 22, in kAbsoluteSsim.
struct LossSpec {
  Loss kind;
  float weight;
};

class Frame {
 public:
  Frame(const View& view, int halo);

  const View& view() const { return view_; }
  const LatticeShape& lattice() const { return lattice_; }
  int halo() const { return grid_.halo; }
  size_t size() const { return splats_.size(); }
  size_t pairs() const { return bins_.pairs(); }
  double support_pixels() const;  // sum over splats of the pixels inside their support, as areas

  // Projects and sorts n rows of parameters; they replace those placed before.
  void place(const float* parameters, size_t n);
  // Lays a lattice under the splats: values [3][rows][columns], which `owner` keeps. A shape without spacing takes it
  // away. Gives back the owner of the values before.
  std::shared_ptr<void> lay(const LatticeShape& shape, const float* values, std::shared_ptr<void> owner);

  void render(float* rgb) const;
  void render(uint8_t* rgb) const;

  // The loss, and its gradient by the parameters (n rows of 8: see chain_rule).
  double gradient(const Target& target, const LossSpec& loss, float* gradient);
  // Product of the Gauss-Newton matrix of half the sum of squares, J^T J, with a direction (both n rows of 8).
  void normal_product(const float* direction, float* product);
  // The same for the colours alone (n rows of 3).
  void colour_product(const float* direction, float* product);
  // Diagonal of that matrix.
  void colour_diagonal(float* diagonal);
  // For each node and channel the sum over pixels of its weight times the residual (target - sums), saturation
  // as in Loss; [3][rows][columns].
  void lattice_residual(const Target& target, float* sums) const;
  // Sum of squared differences in 8-bit steps between the decoded picture and the target.
  double decoded_error(const Target& target) const;
  // Mean squared error of each square of kCellSize pixels and its channels; cells in rows.
  void cell_errors(const Target& target, float* cells) const;

 private:
  // The lattice as the tile sees it.
  LatticeTile lattice_tile(const Tile& tile) const;
  void add_lattice(const Tile& tile) const;
  // Calls finish(index, list, tile) for every tile, on some thread, with the sums of its splats there and in a halo.
  template <class Finish>
  void for_tiles(int halo, Finish finish) const;
  // Calls write(splat, sums) with the first `count` sums of every splat over all its tiles.
  template <class Write>
  void for_sums(int count, Write write) const;

  // Room for the sums of every pair of splat and tile.
  float* slots();

  View view_;
  TileGrid grid_;
  std::vector<PixelSplat> splats_;
  std::vector<Axes> axes_;
  Bins bins_;
  std::vector<float> slots_;
  LatticeShape lattice_{};
  LatticeAxis lattice_x_, lattice_y_;
  const float* lattice_values_ = nullptr;  // of all nodes
  std::shared_ptr<void> lattice_owner_;
};

}  // namespace smartsplat
