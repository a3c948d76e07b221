#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "coding/block_encoder.h"
#include "coding/lattice_rows.h"
#include "coding/sections.h"
#include "container/container.h"
#include "decoder/budget.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

using Codes = ArrayIn<int32_t, 2>;

NewArray<int32_t> rows_of(const std::vector<SplatCode>& splats) {
  NewArray<int32_t> rows = new_array<int32_t>({splats.size(), kSplatFields});
  if (!splats.empty()) std::memcpy(rows.data(), splats.data(), splats.size() * sizeof(SplatCode));
  return rows;
}

std::vector<SplatCode> codes_of(const Codes& rows) {
  require(rows.shape(1) == kSplatFields, "splat codes must have the shape (n, 9)");
  std::vector<SplatCode> splats(rows.shape(0));
  if (!splats.empty()) std::memcpy(splats.data(), rows.data(), splats.size() * sizeof(SplatCode));
  return splats;
}

void check_size(int width, int height) { require(width > 0 && height > 0, "a picture has a positive size"); }

// That which the encoder chooses for the picture, unless the caller wants another.
int checked_square_log(std::optional<int> wanted, int width, int height) {
  check_size(width, height);
  const int log = wanted ? *wanted : usual_square_log(width, height);
  require(kLeastSquareLog <= log && log <= kGreatestSquareLog, "there are no such squares");
  return log;
}

int lattice_square_log(int width, int height, int spacing, uint64_t bytes) {
  check_size(width, height);
  require(spacing > 0, "a lattice needs a spacing");
  return usual_square_log(width, height, std::countr_zero(static_cast<unsigned>(spacing)), bytes);
}

nb::tuple write_splat_section(const Codes& rows, int step_index, int width, int height, std::optional<int> square_log) {
  require(0 <= step_index && step_index < kSplatSteps, "there is no such step");
  const int log = checked_square_log(square_log, width, height);
  CodedSplats splats{codes_of(rows), step_index};
  std::vector<uint8_t> section;
  without_gil(1, [&](const Parallel&) { section = pack(view_of(write_splats(splats, width, height, log))); });
  return nb::make_tuple(bytes_of(section), rows_of(splats.codes));
}

nb::tuple read_splat_section(const nb::bytes& section, int width, int height, int threads) {
  check_size(width, height);
  CodedSplats splats;
  without_gil(threads, [&](const Parallel& parallel) {
    splats = read_splats(unpack_splats(span_of(section), width, height), width, height, parallel);
  });
  return nb::make_tuple(rows_of(splats.codes), splats.step_index);
}

nb::tuple encode(const Codes& rows, int width, int height) {
  std::vector<SplatCode> splats = codes_of(rows);
  std::vector<uint8_t> stream;
  without_gil(1, [&](const Parallel&) { stream = encode_splats(splats, width, height); });
  return nb::make_tuple(bytes_of(stream), rows_of(splats));
}

NewArray<int32_t> decode(const nb::bytes& stream, size_t count, int width, int height) {
  std::vector<SplatCode> splats;
  without_gil(1, [&](const Parallel&) { splats = decode_splats(span_of(stream), count, width, height); });
  return rows_of(splats);
}

NewArray<float> dequantised(const Codes& rows, double base_step, int threads) {
  require(rows.shape(1) == kSplatFields, "splat codes must have the shape (n, 9)");
  NewArray<float> out = new_array<float>({rows.shape(0), kParameters});
  const std::span codes(reinterpret_cast<const SplatCode*>(rows.data()), rows.shape(0));
  without_gil(threads, [&](const Parallel& parallel) { dequantise(codes, base_step, out.data(), parallel); });
  return out;
}

// Bits of the turn, and of the fractions of the centre's coordinates: [n, 3].
NewArray<int32_t> precision(const Codes& rows) {
  const std::vector<SplatCode> splats = codes_of(rows);
  NewArray<int32_t> out = new_array<int32_t>({splats.size(), 3});
  for (size_t i = 0; i < splats.size(); ++i) {
    const CentreBits centre = centre_bits(splats[i]);
    const int32_t bits[3] = {turn_bits(splats[i]), centre.x, centre.y};
    std::memcpy(out.data() + 3 * i, bits, sizeof bits);
  }
  return out;
}

LatticeSize size_of(size_t planes, size_t rows, size_t columns) {
  require(planes <= 3 && rows > 0 && columns > 0 && rows < (1 << 23) && columns < (1 << 23),
          "a lattice has up to three planes, rows and columns");
  return {static_cast<int>(planes), static_cast<int>(rows), static_cast<int>(columns)};
}

// Of a lattice whose nodes are 1 px apart.
LatticeChunks chunks_of(const LatticeSize& size, int square_log) {
  require(kLeastSquareLog <= square_log && square_log <= kGreatestSquareLog, "there are no such squares");
  return {size, 0, Tiers::of_lattice(size.columns, size.rows, square_log, 0)};
}

nb::tuple encode_coefficients(const ArrayIn<float, 3>& coefficients, float scale, double lambda, int square_log,
                              int threads) {
  const LatticeSize size = size_of(coefficients.shape(0), coefficients.shape(1), coefficients.shape(2));
  const LatticeChunks chunks = chunks_of(size, square_log);
  NewArray<int32_t> quantised =
      new_array<int32_t>({coefficients.shape(0), coefficients.shape(1), coefficients.shape(2)});
  Streams streams;
  without_gil(threads, [&](const Parallel& parallel) {
    streams = encode_lattice({coefficients.data(), size.count()}, chunks, scale, lambda, nullptr,
                             {quantised.data(), size.count()}, parallel)
                  .streams;
  });
  nb::list list;
  for (const auto& stream : streams) list.append(bytes_of(stream));
  return nb::make_tuple(list, quantised);
}

NewArray<int32_t> decode_coefficients(const nb::list& list, size_t planes, size_t rows, size_t columns, int square_log,
                                      int threads) {
  const LatticeSize size = size_of(planes, rows, columns);
  const LatticeChunks chunks = chunks_of(size, square_log);
  require(list.size() == chunks.tiers().chunks(), "a lattice has one stream for each chunk");
  std::vector<nb::bytes> owners;
  std::vector<Bytes> streams;
  for (const nb::handle item : list) owners.push_back(nb::cast<nb::bytes>(item));
  for (const nb::bytes& owner : owners) streams.push_back(span_of(owner));
  NewArray<int32_t> out = new_array<int32_t>({planes, rows, columns});
  without_gil(threads, [&](const Parallel& parallel) {
    decode_lattice(source_of(streams), chunks, {out.data(), size.count()}, parallel);
  });
  return out;
}

LatticeShape shape_of(int width, int height, int spacing, size_t rows, size_t columns) {
  const LatticeShape shape{width, height, spacing};
  require(width > 0 && height > 0 && spacing > 0 && static_cast<size_t>(shape.rows()) == rows &&
              static_cast<size_t>(shape.columns()) == columns,
          "the planes must have the rows and columns of such a lattice");
  return shape;
}

// A section for each pair of a step's index and a price of a bit, and the coefficients' errors.
std::vector<std::pair<nb::bytes, double>> write_lattice_sections(const ArrayIn<float, 3>& coefficients, int width,
                                                                 int height, int spacing,
                                                                 const std::vector<std::pair<int, double>>& trials,
                                                                 int threads, std::optional<int> square_log,
                                                                 const std::optional<ArrayIn<uint8_t, 2>>& weights) {
  const size_t planes = coefficients.shape(0), rows = coefficients.shape(1), columns = coefficients.shape(2);
  const LatticeShape shape = shape_of(width, height, spacing, rows, columns);
  require(planes == 1 || planes == 3, "a lattice has one plane or three");
  std::vector<LatticeTrial> wanted;
  for (const auto& [step_index, lambda] : trials) {
    require(0 <= step_index && step_index < kLatticeSteps, "there is no such step");
    wanted.push_back({step_index, lambda});
  }
  require(std::has_single_bit(static_cast<unsigned>(spacing)) && spacing <= 1 << kGreatestSpacingLog,
          "there is no such spacing");
  require(!weights || (weights->shape(0) == rows && weights->shape(1) == columns),
          "there must be a weight for each place");
  const int log = checked_square_log(square_log, width, height);
  const LatticeHead head({std::countr_zero(static_cast<unsigned>(shape.spacing)), 0}, width, height, planes == 1, log);
  std::vector<std::pair<std::vector<uint8_t>, double>> sections;
  without_gil(threads, [&](const Parallel& parallel) {
    const uint8_t* const own_weights = weights ? weights->data() : nullptr;
    for (const auto& [part, error] : try_lattices(coefficients.data(), head, wanted, own_weights, log, parallel)) {
      sections.emplace_back(pack(view_of(part)), error);
    }
  });
  std::vector<std::pair<nb::bytes, double>> written;
  for (const auto& [section, error] : sections) written.emplace_back(bytes_of(section), error);
  return written;
}

// Spacing, index of the step, and the quantised coefficients.
nb::tuple read_lattice_section(const nb::bytes& section, int width, int height, bool grey, int threads) {
  check_size(width, height);
  const LatticeBytes part = unpack_lattice(span_of(section), width, height);
  const LatticeHead head(part.code, width, height, grey, part.square_log);
  check_lattice(head, section.size(), 1);
  NewArray<int32_t> out =
      new_array<int32_t>({static_cast<size_t>(head.size().planes), static_cast<size_t>(head.size().rows),
                          static_cast<size_t>(head.size().columns)});
  without_gil(threads,
              [&](const Parallel& parallel) { read_lattice(source_of(part.chunks), head, out.data(), parallel); });
  return nb::make_tuple(head.shape.spacing, head.step_index, out);
}

// A section that an encoder has just written: whether there may be so many nodes is not asked.
struct Written {
  LatticeBytes part;
  LatticeHead head;

  Written(const nb::bytes& section, int width, int height, bool grey)
      : part((check_size(width, height), unpack_lattice(span_of(section), width, height))),
        head(part.code, width, height, grey, part.square_log) {}
};

// The nodes' colours, in memory of the caller's.
void read_values(const nb::bytes& section, int width, int height, bool grey, ArrayOut<float, 3> out, int threads) {
  const Written written(section, width, height, grey);
  shape_of(width, height, written.head.shape.spacing, out.shape(1), out.shape(2));
  require(out.shape(0) == 3, "values have three planes");
  without_gil(threads, [&](const Parallel& parallel) {
    read_lattice_values(source_of(written.part.chunks), written.head, out.data(), parallel);
  });
}

// The coefficients in steps, likewise.
void read_quantised(const nb::bytes& section, int width, int height, bool grey, ArrayOut<int32_t, 3> out, int threads) {
  const Written written(section, width, height, grey);
  shape_of(width, height, written.head.shape.spacing, out.shape(1), out.shape(2));
  require(out.shape(0) == static_cast<size_t>(written.head.size().planes), "coefficients have as many planes");
  without_gil(threads, [&](const Parallel& parallel) {
    read_lattice(source_of(written.part.chunks), written.head, out.data(), parallel);
  });
}

// What a section says of its lattice, if there can be so much in its bytes: the spacing, and the index of the step.
nb::tuple head_of(const nb::bytes& section, int width, int height, bool grey) {
  check_size(width, height);
  const LatticeBytes part = unpack_lattice(span_of(section), width, height);
  check_lattice(LatticeHead(part.code, width, height, grey, part.square_log), section.size(), 1);
  return nb::make_tuple(1 << part.code.spacing_log, part.code.step_index);
}

void coefficients_of(ArrayOut<float, 3> values, int width, int height, int spacing, int planes, int threads) {
  const LatticeShape shape = shape_of(width, height, spacing, values.shape(1), values.shape(2));
  require(values.shape(0) == 3 && (planes == 1 || planes == 3), "values have three planes, coefficients one or three");
  without_gil(threads, [&](const Parallel& parallel) { lattice_coefficients(values.data(), shape, planes, parallel); });
}

// The section, and the bits that each block takes, [rows, columns].
nb::tuple write_block_section(const ArrayIn<uint16_t, 3>& planes, const ArrayIn<uint8_t, 2>& flags, bool grey,
                              bool deep, double of_colour, double of_pixel, std::optional<int> square_log,
                              int threads) {
  const int width = static_cast<int>(planes.shape(2)), height = static_cast<int>(planes.shape(1));
  check_size(width, height);
  require(planes.shape(0) == 3 && flags.shape(0) == static_cast<size_t>(blocks_along(height)) &&
              flags.shape(1) == static_cast<size_t>(blocks_along(width)),
          "there must be three planes, and a flag for each block");
  const int log = checked_square_log(square_log, width, height);
  NewArray<float> bits = new_array<float>({flags.shape(0), flags.shape(1)});
  std::fill_n(bits.data(), flags.shape(0) * flags.shape(1), 0.0f);
  std::vector<uint8_t> section;
  without_gil(threads, [&](const Parallel& parallel) {
    section = pack(view_of(write_blocks({width, height, planes.data(), flags.data()}, {grey, deep}, of_colour, of_pixel,
                                        log, bits.data(), parallel)));
  });
  return nb::make_tuple(bytes_of(section), bits);
}

nb::bytes container_bytes(int width, int height, bool grey, const std::vector<std::pair<int, nb::bytes>>& sections,
                          int bits) {
  check_size(width, height);
  require(kLeastBits <= bits && bits <= kGreatestBits, "samples have 8 to 16 bits");
  Container container{width, height, grey, bits, {}, {}, {}, {}, {}};
  bool splats = false;
  for (const auto& [kind, bytes] : sections) {
    require(0 <= kind && kind < 256, "a section's type is a byte");
    if (kind == kSplatSection) {
      container.splats = unpack_splats(span_of(bytes), width, height);
      splats = true;
    } else if (kind == kLatticeSection) {
      container.lattice = unpack_lattice(span_of(bytes), width, height);
    } else if (kind == kBlockSection) {
      container.blocks = unpack_blocks(span_of(bytes), width, height);
    } else if (kind == kAlphaSection) {
      container.alpha = span_of(bytes);
    } else {
      container.metadata.push_back({static_cast<uint8_t>(kind), span_of(bytes)});
    }
  }
  require(splats, "a file has splats");
  return bytes_of(write_container(container));
}

}  // namespace

void bind_coding(nb::module_& m) {
  m.def("head_length", [](const nb::bytes& start) { return head_length(span_of(start)); }, "start"_a);
  m.def("announced_length", [](const nb::bytes& head) { return read_map(span_of(head)).file_bytes; }, "head"_a);
  m.def("write_container", &container_bytes, "width"_a, "height"_a, "grey"_a, "sections"_a, "bits"_a = kLeastBits);
  m.def("usual_square_log", nb::overload_cast<int, int>(&usual_square_log), "width"_a, "height"_a);
  m.def("usual_lattice_square_log", &lattice_square_log, "width"_a, "height"_a, "spacing"_a, "bytes"_a);
  m.def("write_splats", &write_splat_section, "codes"_a, "step_index"_a, "width"_a, "height"_a,
        "square_log"_a = nb::none());
  m.def("read_splats", &read_splat_section, "section"_a, "width"_a, "height"_a, "threads"_a = 1);
  m.def("write_blocks", &write_block_section, "planes"_a, "flags"_a, "grey"_a, "deep"_a, "of_colour"_a, "of_pixel"_a,
        "square_log"_a = nb::none(), "threads"_a = 0);
  m.def("encode_splats", &encode, "codes"_a, "width"_a, "height"_a);
  m.def("decode_splats", &decode, "stream"_a, "count"_a, "width"_a, "height"_a);
  m.def("dequantise_splats", &dequantised, "codes"_a, "base_step"_a, "threads"_a = 0);
  m.def("splat_precision", &precision, "codes"_a);
  m.attr("EQUAL_WEIGHT") = kEqualWeight;
  m.attr("WEIGHTS_PER_OCTAVE") = kWeightsPerOctave;
  m.def("write_lattices", &write_lattice_sections, "coefficients"_a, "width"_a, "height"_a, "spacing"_a, "trials"_a,
        "threads"_a = 0, "square_log"_a = nb::none(), "weights"_a = nb::none());
  m.def("read_lattice", &read_lattice_section, "section"_a, "width"_a, "height"_a, "grey"_a, "threads"_a = 0);
  m.def("lattice_values", &read_values, "section"_a, "width"_a, "height"_a, "grey"_a, "out"_a.noconvert(),
        "threads"_a = 0);
  m.def("quantised_lattice", &read_quantised, "section"_a, "width"_a, "height"_a, "grey"_a, "out"_a.noconvert(),
        "threads"_a = 0);
  m.def("most_nodes", [](uint64_t bytes) { return most_nodes(bytes, 1); }, "bytes"_a);
  m.def("lattice_head", &head_of, "section"_a, "width"_a, "height"_a, "grey"_a);
  m.def("lattice_coefficients", &coefficients_of, "values"_a.noconvert(), "width"_a, "height"_a, "spacing"_a,
        "planes"_a, "threads"_a = 0);
  m.def("encode_coefficients", &encode_coefficients, "coefficients"_a, "scale"_a, "lambda_"_a,
        "square_log"_a = kGreatestSquareLog, "threads"_a = 0);
  m.def("decode_coefficients", &decode_coefficients, "streams"_a, "planes"_a, "rows"_a, "columns"_a,
        "square_log"_a = kGreatestSquareLog, "threads"_a = 0);
}

}  // namespace smartsplat
