// The parts of a picture, splats and lattice, as integers and as chunks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coding/decoded_chunks.h"
#include "coding/lattice_stream.h"
#include "coding/splat_stream.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "container/container.h"
#include "lattice/mix.h"
#include "model/model.h"

namespace smartsplat {

// Splats as integers, and the index of their base step K.
struct CodedSplats {
  std::vector<SplatCode> codes;
  int step_index = 0;
};

// What of a square lies in the picture, px.
struct Rectangle {
  int left, top, width, height;
};
Rectangle rectangle_of(const Tiers& tiers, const Place& place, int width, int height);

// The codes of all chunks, their centres in the picture; there must be `count` of them. Throws Error of the kind kLimit
// for a picture that is too wide for such centres, and of the kind kFormat if a chunk is not valid.
std::vector<SplatCode> read_splats(const ChunkSource& source, const Tiers& tiers, uint64_t count, int width, int height,
                                   const Parallel& parallel);
CodedSplats read_splats(const SplatBytes& part, int width, int height, const Parallel& parallel);

// What a part of the picture shows, px.
struct Window {
  double left, top, right, bottom;
};

// The chunks that may hold splats which reach a window, those of coarser tiers first.
std::vector<uint64_t> splat_chunks_near(const Tiers& tiers, const Window& window);

// The parameters of the splats that may reach a window, their centres counted from its upper left corner, from the
// chunks that may hold such.
// Chunks that are kept are not asked for, and others are kept, if `kept` is not null.
Buffer<float> read_splats_near(const ChunkSource& source, const Tiers& tiers, int step_index, int width, int height,
                               const Window& window, DecodedChunks* kept, const Parallel& parallel);

// The codes come out as they will be decoded; see encode_splats.
SplatPart<std::vector<uint8_t>> write_splats(CodedSplats& splats, int width, int height, int square_log);

// What is known of a lattice before its chunks are read.
struct LatticeHead {
  LatticeHead(const LatticeCode& code, int width, int height, bool grey, int square_log);

  const LatticeSize& size() const { return chunks.size(); }

  LatticeShape shape;
  int step_index;
  LatticeChunks chunks;
};

// The quantised coefficients, head.size().count() of them. Throws Error if a chunk is not valid.
void read_lattice(const ChunkSource& source, const LatticeHead& head, int32_t* quantised, const Parallel& parallel);

// Codes coefficients in units of their L2 norm in the picture. See encode_lattice for lambda and weights.
LatticePart<std::vector<uint8_t>> write_lattice(const float* coefficients, const LatticeHead& head, double lambda,
                                                const uint8_t* weights, int square_log, const Parallel& parallel);

// The same with several steps, whatever the head has, and prices of a bit: at the same time, since a lattice of few
// chunks has nothing else to share out.
struct LatticeTrial {
  int step_index;
  double lambda;
};
struct TriedLattice {
  LatticePart<std::vector<uint8_t>> part;
  double error;  // sum of the coefficients' weighted squared errors
};
std::vector<TriedLattice> try_lattices(const float* coefficients, const LatticeHead& head,
                                       std::span<const LatticeTrial> trials, const uint8_t* weights, int square_log,
                                       const Parallel& parallel);

// Planes of luma and differences in units of the step become colours in their place.
void mix_colours(const Planes& planes, int spacing, int step_index, const Parallel& parallel);

// The coefficients of the nodes' colours [3][rows][columns], in their place, of which the first `planes` are wanted.
void lattice_coefficients(float* values, const LatticeShape& shape, int planes, const Parallel& parallel);

// Chunks that lie in memory.
inline ChunkSource source_of(const std::vector<Bytes>& chunks) {
  return [&chunks](uint64_t chunk) { return chunks[chunk]; };
}

}  // namespace smartsplat
