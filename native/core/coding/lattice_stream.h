// The chunks of the lattice: quantised wavelet coefficients, band by band from the coarsest.
// coding/SPEC.md describes them; every number that decides how bits are read is an integer.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "coding/coefficients.h"
#include "common/parallel.h"

namespace smartsplat {

// How weights are written: this one is 1, and so many more stand for twice the weight.
inline constexpr int kEqualWeight = 128, kWeightsPerOctave = 16;

// What coefficients become.
struct EncodedLattice {
  std::vector<std::vector<uint8_t>> streams;  // of each chunk, in the order of Tiers; empty if all of it is zero
  double error = 0;                           // sum of weighted squared errors, in squared steps
};

// Each coefficient times `scale` becomes the integer that, with those before it, has the least squared error plus
// `lambda` times its bits; `quantised` gets them. `weights`, where it is not null, says for each place of a plane what
// squared errors count there.
EncodedLattice encode_lattice(std::span<const float> coefficients, const LatticeChunks& chunks, float scale,
                              double lambda, const uint8_t* weights, std::span<int32_t> quantised,
                              const Parallel& parallel);
// The same where nobody wants them: in a sixteenth of the memory.
EncodedLattice encode_lattice(std::span<const float> coefficients, const LatticeChunks& chunks, float scale,
                              double lambda, const uint8_t* weights, const Parallel& parallel);

// Fills in the coefficients of one chunk; the bands hold zeros there, and those of the chunks above it. Throws Error if
// the bytes cannot be such a chunk. Levels below `finest` are left out; nothing is said of what stands behind.
void decode_lattice_chunk(std::span<const uint8_t> chunk, const LatticeChunks& chunks, const Place& place,
                          const Coefficients& bands, const Parallel& parallel, int finest = 1);

// The same of a chunk that is not of the coarsest tier, into memory that may hold anything: its part of a band is
// written, zeros and all, where the chunk has any coefficient of it, and `filled`, which must be zeros, says so.
struct FilledBands {
  std::array<uint8_t, size_t{2} * 3 * kOrientations> of{};
  uint8_t& at(int level, int plane, Orientation orientation) { return of[index(level, plane, orientation)]; }
  bool has(int level, int plane, Orientation orientation) const { return of[index(level, plane, orientation)] != 0; }

 private:
  // A tier has an odd level and the even one after it.
  static size_t index(int level, int plane, Orientation orientation) {
    return static_cast<size_t>(((level & 1) * 3 + plane) * kOrientations + orientation);
  }
};
void decode_lattice_chunk(std::span<const uint8_t> chunk, const LatticeChunks& chunks, const Place& place,
                          const Coefficients& bands, FilledBands& filled, const Parallel& parallel);

// All chunks, which are asked for by their number; those of a tier at the same time.
using ChunkSource = std::function<std::span<const uint8_t>(uint64_t chunk)>;
void decode_lattice(const ChunkSource& source, const LatticeChunks& chunks, std::span<int32_t> values,
                    const Parallel& parallel);

}  // namespace smartsplat
