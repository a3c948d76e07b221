// The pixel kernels of one instruction set, as a table of functions.
#pragma once

#include <string_view>

#include "lattice/axis_weights.h"
#include "rendering/band.h"
#include "rendering/pixel_splat.h"

namespace smartsplat {

struct KernelTable {
  const char* name;

  // plane[c] += the sum over the lattice's nodes of value * weight; `scratch` has room for a tile's width for each
  // row of nodes, or, where weights are dense, for kDenseSums times dense_row_floats().
  void (*add_lattice)(const LatticeTile& lattice, const Tile& tile, float* scratch);

  // sums[c][row][column], from the tile's first node on, = the sum over the tile of weight * plane. Planes must be
  // zero from tile.width on.
  void (*gather_lattice)(const LatticeTile& lattice, const Tile& tile, float* sums);

  // plane[c] += colour[c] * weight, for every splat of the list.
  void (*add)(const TileList& list, const Tile& tile);

  // The same with the splats' derivatives along a direction, indexed as the splats are.
  void (*add_tangents)(const TileList& list, const PixelTangent* tangents, const Tile& tile);

  // For every splat of the list, its eight sums over the planes (GatherSums), to sums + 8 * slot. Planes
  // are read up to the next multiple of 16 columns, so they must be zero from tile.width on.
  void (*gather)(const TileList& list, const Tile& tile, float* sums);

  // The same, of the three colour sums only; the rest of the slot is left as it is.
  void (*gather_colour)(const TileList& list, const Tile& tile, float* sums);

  // For every splat of the list, the sum of its squared weights over the tile, to sums[8 * slot].
  void (*gather_squares)(const TileList& list, const Tile& tile, float* sums);

  // Turn the sums of a tile into scale * d(loss)/d(sum), zero beyond the tile's width; return the tile's
  // part of the loss (a sum over its pixels and channels, not a mean). See Residual for the convention.
  double (*squared_loss)(const Tile& tile, const Target& target, float scale);
  double (*absolute_loss)(const Tile& tile, const Target& target, float scale);

  // Makes the block of the gradient by the sums of scales.absolute times the absolute error plus scales.ssim times
  // SSIM, both of the clamped sums and added up over the block; returns the two. The sums of kSsimHalo more rows and
  // columns are needed, as far as they are in the picture, and kSsimScratch floats to work in.
  SsimTerms (*ssim_loss)(const Band& sums, const Target& target, const Band& gradient, const SsimBlock& block,
                         const SsimTerms& scales, float* scratch);
  // The same of pictures of floats.
  SsimTerms (*picture_loss)(const SsimPictures& pictures, const SsimBlock& block, const SsimTerms& scales,
                            float* scratch);

  // Squared error of the clamped sums against the target, summed over channels and kCellSize squares of
  // pixels, to cells; cell (0, 0) is that of the tile's first pixel.
  void (*cell_errors)(const Tile& tile, const Target& target, float* cells, int cell_stride);

  // Sum of the squared differences, in steps of 8 bits, between the target and the picture that the sums decode to,
  // which is rounded to as many bits as the target has.
  double (*decoded_error)(const Tile& tile, const Target& target);

  // The tile as interleaved RGB, `stride` elements from row to row: clamped and rounded to 8 or 16
  // bits, or as it is.
  void (*to_bytes)(const Tile& tile, uint8_t* rgb, size_t stride);
  void (*to_words)(const Tile& tile, uint16_t* rgb, size_t stride);
  void (*to_floats)(const Tile& tile, float* rgb, size_t stride);
  // The tile from interleaved RGB; what lies beyond its width is left as it is.
  void (*from_floats)(const Tile& tile, const float* rgb, size_t stride);
};

// The table in use: at first the widest that this machine can run.
const KernelTable& kernels();

// Uses the table of that name (baseline, avx2, avx512; empty: the widest); false if this machine cannot.
bool choose_kernels(std::string_view name);

}  // namespace smartsplat
