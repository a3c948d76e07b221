#include "coding/bindings.h"

#include <cstring>
#include <span>

#include "coding/lattice_stream.h"
#include "coding/splat_stream.h"
#include "common/arrays.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

static_assert(sizeof(SplatCode) == kSplatFields * sizeof(int32_t));

NewArray<int32_t> rows_of(const std::vector<SplatCode>& splats) {
  NewArray<int32_t> rows = new_array<int32_t>({splats.size(), kSplatFields});
  std::memcpy(rows.data(), splats.data(), splats.size() * sizeof(SplatCode));
  return rows;
}

nb::tuple encode(const ArrayIn<int32_t, 2>& rows, int width, int height) {
  require(rows.shape(1) == kSplatFields, "splat codes must have the shape (n, 9)");
  std::vector<SplatCode> splats(rows.shape(0));
  std::memcpy(splats.data(), rows.data(), splats.size() * sizeof(SplatCode));
  std::vector<uint8_t> bytes;
  {
    nb::gil_scoped_release release;
    bytes = encode_splats(splats, width, height);
  }
  return nb::make_tuple(nb::bytes(bytes.data(), bytes.size()), rows_of(splats));
}

NewArray<int32_t> decode(nb::bytes bytes, size_t count, int width, int height) {
  std::vector<SplatCode> splats;
  {
    nb::gil_scoped_release release;
    splats = decode_splats({static_cast<const uint8_t*>(bytes.data()), bytes.size()}, count, width, height);
  }
  return rows_of(splats);
}

NewArray<float> dequantised(const ArrayIn<int32_t, 2>& rows, double quantum) {
  require(rows.shape(1) == kSplatFields, "splat codes must have the shape (n, 9)");
  NewArray<float> out = new_array<float>({rows.shape(0), 8});
  nb::gil_scoped_release release;
  dequantise({reinterpret_cast<const SplatCode*>(rows.data()), rows.shape(0)}, quantum, out.data());
  return out;
}

NewArray<int32_t> precision(const ArrayIn<int32_t, 2>& rows) {
  require(rows.shape(1) == kSplatFields, "splat codes must have the shape (n, 9)");
  NewArray<int32_t> out = new_array<int32_t>({rows.shape(0), 3});
  for (size_t i = 0; i < rows.shape(0); ++i) {
    SplatCode s;
    std::memcpy(&s, rows.data() + i * kSplatFields, sizeof s);
    const CentreBits centre = centre_bits(s);
    const int32_t bits[3] = {turn_bits(s), centre.x, centre.y};
    std::memcpy(out.data() + 3 * i, bits, sizeof bits);
  }
  return out;
}

LatticeSize size_of(size_t planes, size_t rows, size_t columns) {
  require(planes <= 3 && rows > 0 && columns > 0 && rows < (1 << 23) && columns < (1 << 23),
          "a lattice has up to three planes, rows and columns");
  return {static_cast<int>(planes), static_cast<int>(rows), static_cast<int>(columns)};
}

nb::tuple encode_coefficients(const ArrayIn<float, 3>& coefficients, float scale, double lambda) {
  const LatticeSize size = size_of(coefficients.shape(0), coefficients.shape(1), coefficients.shape(2));
  NewArray<int32_t> quantised =
      new_array<int32_t>({coefficients.shape(0), coefficients.shape(1), coefficients.shape(2)});
  std::vector<std::vector<uint8_t>> streams;
  {
    nb::gil_scoped_release release;
    streams =
        encode_lattice({coefficients.data(), size.count()}, size, scale, lambda, {quantised.data(), size.count()});
  }
  nb::list list;
  for (const auto& stream : streams) list.append(nb::bytes(stream.data(), stream.size()));
  return nb::make_tuple(list, quantised);
}

NewArray<int32_t> decode_coefficients(const nb::list& list, size_t planes, size_t rows, size_t columns) {
  const LatticeSize size = size_of(planes, rows, columns);
  require(list.size() == static_cast<size_t>(size.strips()), "a lattice has one stream for each strip");
  std::vector<std::span<const uint8_t>> streams;
  for (const nb::handle item : list) {
    const nb::bytes stream = nb::cast<nb::bytes>(item);
    streams.emplace_back(static_cast<const uint8_t*>(stream.data()), stream.size());
  }
  NewArray<int32_t> out = new_array<int32_t>({planes, rows, columns});
  nb::gil_scoped_release release;
  decode_lattice(streams, size, {out.data(), size.count()});
  return out;
}

}  // namespace

void bind_coding(nb::module_& m) {
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const StreamError& e) {
      PyErr_SetString(PyExc_ValueError, e.what());
    }
  });
  m.def("encode_splats", &encode, "rows"_a, "width"_a, "height"_a);
  m.def("decode_splats", &decode, "bytes"_a, "count"_a, "width"_a, "height"_a);
  m.def("dequantise_splats", &dequantised, "rows"_a, "quantum"_a);
  m.def("encode_coefficients", &encode_coefficients, "coefficients"_a, "scale"_a, "lambda_"_a);
  m.def("decode_coefficients", &decode_coefficients, "streams"_a, "planes"_a, "rows"_a, "columns"_a);
  m.def(
      "lattice_strips", [](size_t rows, size_t columns) { return size_of(1, rows, columns).strips(); }, "rows"_a,
      "columns"_a);
  m.def("splat_precision", &precision, "rows"_a);
}

}  // namespace smartsplat
