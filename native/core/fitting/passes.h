// Losses, gradients and products of the Gauss-Newton matrix: sums over a frame's tiles, gathered for each splat.
#pragma once

#include "common/parallel.h"
#include "rendering/frame.h"

namespace smartsplat {

enum class Loss { kSquared, kAbsolute, kAbsoluteSsim };

// Mean over pixels and channels. kAbsoluteSsim is Eq. 22 of the clamped sums, `weight` its lambda_l; the canvas needs
// a halo for it, and the target 8 bits.
struct LossSpec {
  Loss kind;
  float weight;
};

// What squared errors count in squares of kCellSize pixels of a view, in rows; no cells: 1 everywhere.
struct CellWeights {
  const float* cells = nullptr;
};

// The loss, and its gradient by the parameters (n rows of 8: see chain_rule). Only kSquared knows weights.
double loss_gradient(const Frame& frame, const Target& target, const LossSpec& loss, const CellWeights& weights,
                     float* gradient, const Parallel& parallel);

// J^T times a picture [height][width][3] of the view's size, J the derivative of the sums by the parameters (n rows of
// 8: see chain_rule).
void vjp(const Frame& frame, const float* cotangent, float* product, const Parallel& parallel);

// Product of the Gauss-Newton matrix of half the weighted sum of squares, J^T W J, with a direction (both n rows of 8).
void normal_product(const Frame& frame, const float* direction, const CellWeights& weights, float* product,
                    const Parallel& parallel);

// The same for the colours alone (n rows of 3), and the diagonal of that matrix without weights [n].
void colour_product(const Frame& frame, const float* direction, const CellWeights& weights, float* product,
                    const Parallel& parallel);
void colour_diagonal(const Frame& frame, float* diagonal, const Parallel& parallel);

// For each node of a lattice of that shape and each channel the sum over pixels of its weight times the residual
// (target - sums), saturation as in Loss; [3][rows][columns].
void lattice_residual(const Frame& frame, const Target& target, const LatticeShape& shape, float* sums,
                      const Parallel& parallel);

// The same sums of weight times a picture [height][width][3] of the view's size: J^T for the nodes' colours.
void lattice_vjp(const Frame& frame, const float* cotangent, const LatticeShape& shape, float* sums,
                 const Parallel& parallel);

// Sum of squared differences in 8-bit steps between the target and the decoded picture, rounded to as many bits.
double decoded_error(const Frame& frame, const Target& target, const Parallel& parallel);

// Mean squared error of each square of kCellSize pixels and its channels; cells in rows.
void cell_errors(const Frame& frame, const Target& target, float* cells, const Parallel& parallel);

}  // namespace smartsplat
