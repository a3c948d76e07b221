#include "coding/sections.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <string>

#include "common/error.h"
#include "lattice/mix.h"
#include "lattice/wavelet.h"

namespace smartsplat {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kFormat, text); }

uint64_t checked_count(Reader& reader, size_t stream_bytes) {
  const uint64_t count = reader.number();
  const uint64_t before = reader.at() + 1;  // the index of the step follows
  const uint64_t left = stream_bytes < before ? 0 : stream_bytes - before;
  if (left < least_stream_bytes(count)) {
    refuse(std::to_string(count) + " splats cannot stand in " + std::to_string(left) + " bytes");
  }
  return count;
}

std::string nodes_text(const LatticeSize& size) {
  return "a lattice of " + std::to_string(size.columns) + " x " + std::to_string(size.rows) + " nodes";
}

Mixer mixer(double factor, bool transposed) {
  Mixer mixer{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      mixer[i][j] = static_cast<float>((transposed ? kColourBasis[j][i] : kColourBasis[i][j]) * factor);
    }
  }
  return mixer;
}

// The integers become floats, in the same memory; the planes that are not coded become zero.
void to_floats(float* planes, const LatticeSize& size, const Parallel& parallel) {
  const size_t row = static_cast<size_t>(size.columns), rows = static_cast<size_t>(size.rows);
  parallel.for_each(3 * rows, [&](size_t y) {
    float* const values = planes + y * row;
    if (y >= static_cast<size_t>(size.planes) * rows) {
      std::fill_n(values, row, 0.0f);
      return;
    }
    for (size_t x = 0; x < row; ++x) values[x] = static_cast<float>(std::bit_cast<int32_t>(values[x]));
  });
}

// Coefficients in units of the step, [3][rows][columns], become colours in their place.
void to_colours(float* values, const LatticeShape& shape, int planes, int step_index, const Parallel& parallel) {
  for (size_t plane = 0; plane < static_cast<size_t>(planes); ++plane) {
    wavelet_inverse(values + plane * shape.nodes(), shape.rows(), shape.columns(), shape.spacing, parallel);
  }
  const Mixer colours = mixer(lattice_step(step_index) / shape.spacing, true);
  mix_planes(values, shape.rows(), shape.columns(), colours, parallel);
}

}  // namespace

uint64_t splat_count(Bytes section) {
  Reader reader(section);
  return checked_count(reader, section.size());
}

CodedSplats read_splats(Bytes section, int width, int height) {
  Reader reader(section);
  const uint64_t count = checked_count(reader, section.size());
  const int step_index = reader.byte();
  return {decode_splats(reader.rest(), static_cast<size_t>(count), width, height), step_index};
}

std::vector<uint8_t> write_splats(CodedSplats& splats, int width, int height) {
  std::vector<uint8_t> section;
  append_number(section, splats.codes.size());
  append_integer(section, static_cast<uint32_t>(splats.step_index), 1);
  append(section, encode_splats(splats.codes, width, height));
  return section;
}

LatticeHead read_lattice_head(Bytes section, int width, int height, bool grey) {
  Reader reader(section);
  const uint64_t log = reader.number();
  if (log > kGreatestSpacingLog) refuse("a lattice's spacing cannot be 2^" + std::to_string(log) + " px");
  LatticeHead head;
  head.shape = {width, height, 1 << log};
  head.step_index = static_cast<int>(reader.integer(2));
  if (head.step_index >= kLatticeSteps) {
    refuse("a lattice's step is numbered " + std::to_string(head.step_index) + ", beyond " +
           std::to_string(kLatticeSteps));
  }
  head.size = {grey ? 1 : 3, head.shape.rows(), head.shape.columns()};
  if (head.size.plane() > kNodesPerByte * section.size()) {
    refuse(nodes_text(head.size) + " cannot stand in " + std::to_string(section.size()) + " bytes");
  }
  head.bytes = reader.at();
  return head;
}

void read_lattice(Bytes section, const LatticeHead& head, int32_t* quantised, const Parallel& parallel) {
  Reader reader(section.subspan(head.bytes));
  std::vector<uint64_t> lengths(static_cast<size_t>(head.size.strips()) - 1);
  for (uint64_t& length : lengths) length = reader.number();
  std::vector<Bytes> streams;
  for (const uint64_t length : lengths) streams.push_back(reader.take(length));
  streams.push_back(reader.rest());
  decode_lattice(streams, head.size, {quantised, head.size.count()}, parallel);
}

std::vector<uint8_t> write_lattice(const float* coefficients, const LatticeShape& shape, int planes, int step_index,
                                   double lambda, int32_t* quantised, const Parallel& parallel) {
  const LatticeSize size{planes, shape.rows(), shape.columns()};
  const auto streams =
      encode_lattice({coefficients, size.count()}, size, static_cast<float>(1 / lattice_step(step_index)), lambda,
                     {quantised, size.count()}, parallel);
  std::vector<uint8_t> section;
  append_number(section, static_cast<uint64_t>(std::countr_zero(static_cast<unsigned>(shape.spacing))));
  append_integer(section, static_cast<uint32_t>(step_index), 2);
  for (size_t i = 0; i + 1 < streams.size(); ++i) append_number(section, streams[i].size());
  for (const auto& stream : streams) append(section, stream);
  // Decoders read zeros after the end anyway, and a section must not claim more nodes than its bytes allow.
  section.resize(std::max(section.size(), size.plane() / static_cast<size_t>(kNodesPerByte) + 1));
  return section;
}

Buffer<float> read_lattice_values(Bytes section, const LatticeHead& head, const Parallel& parallel) {
  // In one place, since touching as much new memory again would cost as much as the transform.
  Buffer<float> values(3 * head.shape.nodes());
  int32_t* const quantised = reinterpret_cast<int32_t*>(values.data());
  read_lattice(section, head, quantised, parallel);
  to_floats(values.data(), head.size, parallel);
  to_colours(values.data(), head.shape, head.size.planes, head.step_index, parallel);
  return values;
}

Buffer<float> lattice_values(const int32_t* quantised, const LatticeShape& shape, int planes, int step_index,
                             const Parallel& parallel) {
  Buffer<float> values(3 * shape.nodes());
  const LatticeSize size{planes, shape.rows(), shape.columns()};
  parallel.for_each(static_cast<size_t>(planes) * static_cast<size_t>(size.rows), [&](size_t y) {
    const size_t row = static_cast<size_t>(size.columns);
    std::memcpy(values.data() + y * row, quantised + y * row, row * sizeof(int32_t));
  });
  to_floats(values.data(), size, parallel);
  to_colours(values.data(), shape, planes, step_index, parallel);
  return values;
}

void lattice_coefficients(float* values, const LatticeShape& shape, int planes, const Parallel& parallel) {
  mix_planes(values, shape.rows(), shape.columns(), mixer(shape.spacing, false), parallel);
  for (size_t plane = 0; plane < static_cast<size_t>(planes); ++plane) {
    wavelet_forward(values + plane * shape.nodes(), shape.rows(), shape.columns(), shape.spacing, parallel);
  }
}

}  // namespace smartsplat
