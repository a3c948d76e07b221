// The sections of splats and of the lattice: what stands before their streams, and the streams.
#pragma once

#include <cstdint>
#include <vector>

#include "coding/lattice_stream.h"
#include "coding/splat_stream.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "container/bytes.h"
#include "model/model.h"

namespace smartsplat {

// Splats as integers, and the index of their base step K.
struct CodedSplats {
  std::vector<SplatCode> codes;
  int step_index = 0;
};

// How many splats a section says that it holds, without decoding them. Throws Error if it cannot hold them.
uint64_t splat_count(Bytes section);

// Throws Error if the bytes cannot be such a section of a picture of width x height px.
CodedSplats read_splats(Bytes section, int width, int height);

// The codes come out as they will be decoded; see encode_splats.
std::vector<uint8_t> write_splats(CodedSplats& splats, int width, int height);

// What stands before the streams of a lattice.
struct LatticeHead {
  LatticeShape shape;
  int step_index = 0;
  LatticeSize size{};
  size_t bytes = 0;  // of the head
};

// Throws Error if the bytes cannot be the section of a lattice under such a picture.
LatticeHead read_lattice_head(Bytes section, int width, int height, bool grey);

// The quantised coefficients, head.size.count() of them. Throws Error if the streams are not valid.
void read_lattice(Bytes section, const LatticeHead& head, int32_t* quantised, const Parallel& parallel);

// The colours of the nodes that they stand for; see lattice_values.
Buffer<float> read_lattice_values(Bytes section, const LatticeHead& head, const Parallel& parallel);

// Codes coefficients in units of their L2 norm in the picture; `quantised` gets what will be decoded. See
// encode_lattice for lambda.
std::vector<uint8_t> write_lattice(const float* coefficients, const LatticeShape& shape, int planes, int step_index,
                                   double lambda, int32_t* quantised, const Parallel& parallel);

// The colours of the nodes [3][rows][columns] that coefficients [planes][rows][columns] stand for.
Buffer<float> lattice_values(const int32_t* quantised, const LatticeShape& shape, int planes, int step_index,
                             const Parallel& parallel);

// The coefficients of the nodes' colours [3][rows][columns], in their place, of which the first `planes` are wanted.
void lattice_coefficients(float* values, const LatticeShape& shape, int planes, const Parallel& parallel);

}  // namespace smartsplat
