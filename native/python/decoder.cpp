#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "decoder/alpha.h"
#include "decoder/damage.h"
#include "decoder/file.h"
#include "decoder/part.h"
#include "decoder/pieces.h"
#include "decoder/renderer.h"
#include "decoder/sweep.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

// A file and the object that its bytes lie in, or only those of its front.
struct PyFile {
  nb::bytes bytes;
  File file;
  std::shared_ptr<DecodedChunks> kept = std::make_shared<DecodedChunks>(kKeptBytes);
};

// Offsets and bytes of what has been read of a file; none at all stand for the file's own bytes.
using Read = std::optional<std::vector<std::pair<uint64_t, nb::bytes>>>;

// Calls use(file) with one whose bytes are these.
template <class Use>
auto with_read(const File& file, const Read& read, Use use) {
  if (!read) return use(file);
  Pieces pieces;
  for (const auto& [at, bytes] : *read) pieces.add(at, span_of(bytes));
  return use(file.with(pieces.source()));
}

// Kind and bytes of each part and piece of metadata; see pack() for those of a part.
nb::list sections_of(const PyFile& self) {
  const Header& header = self.file.header();
  nb::list list;
  list.append(nb::make_tuple(static_cast<int>(kSplatSection), self.file.part_bytes(Layer::kSplats)));
  if (header.lattice) {
    list.append(nb::make_tuple(static_cast<int>(kLatticeSection), self.file.part_bytes(Layer::kLattice)));
  }
  if (header.blocks) {
    list.append(nb::make_tuple(static_cast<int>(kBlockSection), self.file.part_bytes(Layer::kBlocks)));
  }
  for (const MetadataEntry& entry : header.metadata) {
    if (is_known_metadata(entry.kind)) list.append(nb::make_tuple(static_cast<int>(entry.kind), entry.length));
  }
  if (header.alpha) list.append(nb::make_tuple(static_cast<int>(kAlphaSection), *header.alpha));
  return list;
}

nb::object section_of(const PyFile& self, int kind, const Read& read) {
  if (kind == kAlphaSection) {
    if (self.file.alpha() == nullptr) return nb::none();
    const Extent& extent = self.file.alpha_extent();
    return nb::bytes(static_cast<const uint8_t*>(self.bytes.data()) + extent.at, static_cast<size_t>(extent.length));
  }
  if (kind == kSplatSection) return bytes_of(pack(self.file.splat_part()));
  if (kind == kLatticeSection) {
    const std::optional<LatticeBytes> part = self.file.lattice_part();
    if (!part) return nb::none();
    return bytes_of(pack(*part));
  }
  if (kind == kBlockSection) {
    const std::optional<BlockBytes> part = self.file.block_part();
    if (!part) return nb::none();
    return bytes_of(pack(*part));
  }
  return with_read(self.file, read, [kind](const File& file) -> nb::object {
    const std::optional<Bytes> metadata = file.metadata(static_cast<uint8_t>(kind));
    if (!metadata) return nb::none();
    return nb::bytes(metadata->data(), metadata->size());
  });
}

// Offset and length of a piece of metadata with its checksum.
std::optional<std::pair<uint64_t, uint64_t>> metadata_range(const PyFile& self, int kind) {
  const std::optional<Extent> extent = self.file.metadata_extent(static_cast<uint8_t>(kind));
  if (!extent) return std::nullopt;
  return std::pair(extent->at, extent->end() - extent->at);
}

// Offset and length of the file of the alpha picture.
std::optional<std::pair<uint64_t, uint64_t>> alpha_range(const PyFile& self) {
  if (!self.file.header().alpha) return std::nullopt;
  return std::pair(self.file.alpha_extent().at, self.file.alpha_extent().length);
}

std::optional<int> spacing_of(const PyFile& self) {
  const std::optional<LatticeHead> head = self.file.lattice_head();
  return head ? std::optional<int>(head->shape.spacing) : std::nullopt;
}

NewArray<const float> splats_of(const PyFile& self, int threads) {
  Buffer<float> parameters;
  without_gil(threads,
              [&](const Parallel& parallel) { parameters = splat_parameters(self.file.splats(parallel), parallel); });
  const size_t count = parameters.size() / kParameters;
  return frozen_array(std::move(parameters), {count, kParameters});
}

nb::object lattice_of(const PyFile& self, double work, int threads) {
  const std::optional<LatticeHead> head = self.file.lattice_head();
  if (!head) return nb::none();
  Buffer<float> values;
  without_gil(threads, [&](const Parallel& parallel) { values = self.file.lattice(*head, work, parallel); });
  return nb::cast(frozen_array(std::move(values),
                               {3, static_cast<size_t>(head->size().rows), static_cast<size_t>(head->size().columns)}));
}

struct PyBlocks {
  std::shared_ptr<const Blocks> blocks;
};

nb::object blocks_of(const PyFile& self, double work, int threads) {
  if (!self.file.header().blocks) return nb::none();
  PyBlocks made;
  without_gil(threads, [&](const Parallel& parallel) {
    made.blocks = std::make_shared<const Blocks>(self.file.blocks(work, parallel));
  });
  return nb::cast(made);
}

// Those of a section that an encoder has just written.
PyBlocks read_blocks(const nb::bytes& section, int width, int height, bool grey, bool deep, int threads) {
  require(width > 0 && height > 0, "a picture has a positive size");
  const BlockBytes part = unpack_blocks(span_of(section), width, height);
  const BlockHead head{width, height, Tiers::of_blocks(width, height, part.square_log), {grey, deep}};
  std::vector<uint64_t> all(part.chunks.size());
  std::iota(all.begin(), all.end(), uint64_t{0});
  PyBlocks made;
  without_gil(threads, [&](const Parallel& parallel) {
    made.blocks = std::make_shared<const Blocks>(source_of(part.chunks), head, all, 1, parallel);
  });
  return made;
}

// A renderer and the arrays that its numbers lie in.
struct PyRenderer {
  ArrayIn<float, 2> splats;
  std::optional<ArrayIn<float, 3>> values;
  std::unique_ptr<Renderer> renderer;
};

PyRenderer make_renderer(int width, int height, ArrayIn<float, 2> splats, int spacing,
                         std::optional<ArrayIn<float, 3>> values, int threads) {
  require(width > 0 && height > 0 && splats.shape(1) == kParameters, "splats must have the shape (n, 8)");
  Scene scene{width, height, {splats.data(), splats.shape(0)}, {}};
  if (values) {
    require(spacing > 0, "a lattice needs a spacing");
    scene.lattice = {{width, height, spacing}, values->data()};
    require(values->shape(0) == 3 && values->shape(1) == static_cast<size_t>(scene.lattice.shape.rows()) &&
                values->shape(2) == static_cast<size_t>(scene.lattice.shape.columns()),
            "the lattice's values must have the shape (3, rows, columns)");
  }
  std::unique_ptr<Renderer> renderer;
  without_gil(threads,
              [&](const Parallel& parallel) { renderer = std::make_unique<Renderer>(scene, parallel, Views::kMany); });
  return {std::move(splats), std::move(values), std::move(renderer)};
}

using Pixels = nb::ndarray<nb::device::cpu>;  // [H, W] or [H, W, C], rows anywhere, perhaps some channels of more

std::optional<Samples> samples_of(const nb::dlpack::dtype& type) {
  if (type == nb::dtype<uint8_t>()) return Samples::kBytes;
  if (type == nb::dtype<uint16_t>()) return Samples::kWords;
  if (type == nb::dtype<float>()) return Samples::kFloats;
  return std::nullopt;
}

// Where to draw, after a look at everything that could be wrong with it.
Surface surface_of(const Pixels& out, const View& view) {
  const size_t channels = out.ndim() == 3 ? out.shape(2) : 1;
  const std::optional<Samples> samples = samples_of(out.dtype());
  require(samples.has_value(), "pixels must be uint8, uint16 or float32");
  require((out.ndim() == 2 || out.ndim() == 3) && out.shape(0) == static_cast<size_t>(view.height) &&
              out.shape(1) == static_cast<size_t>(view.width),
          "pixels must have the height and the width of the view");
  require(channels == 1 || channels == 3 || channels == 4, "pixels must have 1, 3 or 4 channels");
  const int64_t step = view.width > 1 ? out.stride(1) : static_cast<int64_t>(channels);
  require(
      (out.ndim() == 2 || channels == 1 || out.stride(2) == 1) && static_cast<int64_t>(channels) <= step && step <= 4,
      "the pixels of a row must lie side by side");
  const ptrdiff_t stride = static_cast<ptrdiff_t>(out.stride(0)) * static_cast<ptrdiff_t>(sample_bytes(*samples));
  return {*samples, static_cast<int>(channels), static_cast<int>(step), out.data(), stride};
}

// Pixels to draw into, [height, width, channels] or [height, width] for one channel, not initialised; in huge pages, as
// all large memory here. Samples of 1 or 2 bytes are integers, of 4 floats.
nb::object empty_pixels(size_t height, size_t width, size_t channels, size_t bytes) {
  require(channels >= 1 && channels <= 4 && (bytes == 1 || bytes == 2 || bytes == 4), "there are no such pixels");
  std::unique_ptr<void, void (*)(void*)> memory(allocate(height * width * channels * bytes), release);
  nb::capsule owner(memory.get(), release);
  const size_t shape[] = {height, width, channels};
  const nb::dlpack::dtype type = bytes == 4   ? nb::dtype<float>()
                                 : bytes == 2 ? nb::dtype<uint16_t>()
                                              : nb::dtype<uint8_t>();
  return nb::cast(nb::ndarray<nb::numpy>(memory.release(), channels == 1 ? 2 : 3, shape, owner, nullptr, type));
}

View view_from(const nb::tuple& t) {
  require(t.size() == 7, "a view has seven numbers");
  return {nb::cast<int>(t[0]),    nb::cast<int>(t[1]),    nb::cast<double>(t[2]), nb::cast<double>(t[3]),
          nb::cast<double>(t[4]), nb::cast<double>(t[5]), nb::cast<double>(t[6])};
}

void render(const PyRenderer& self, const nb::tuple& numbers, const Pixels& out, double work, int threads) {
  const View view = view_from(numbers);
  const Surface surface = surface_of(out, view);
  without_gil(threads, [&](const Parallel& parallel) { self.renderer->render(view, surface, work, parallel); });
}

Detail detail_of(bool draft) { return draft ? Detail::kDraft : Detail::kExact; }

void draw_blocks(const PyBlocks& self, const nb::tuple& numbers, const Pixels& out, int threads) {
  const View view = view_from(numbers);
  const Surface surface = surface_of(out, view);
  without_gil(threads, [&](const Parallel& parallel) { self.blocks->draw(view, surface, parallel); });
}

// A part of a picture for the views within one.
struct PyPart {
  std::unique_ptr<Part> part;
};

PyPart part_of_file(const PyFile& self, const nb::tuple& numbers, double work, int threads, const Read& read,
                    bool draft) {
  const View view = view_from(numbers);
  return with_read(self.file, read, [&](const File& file) {
    PyPart made;
    without_gil(threads, [&](const Parallel& parallel) {
      made.part = std::make_unique<Part>(file, PartPlan(file, view, detail_of(draft)), self.kept.get(), work, parallel);
    });
    return made;
  });
}

void render_part(const PyPart& self, const nb::tuple& numbers, const Pixels& out, double work, int threads) {
  const View view = view_from(numbers);
  const Surface surface = surface_of(out, view);
  without_gil(threads, [&](const Parallel& parallel) { self.part->render(view, surface, work, parallel); });
}

// A whole picture, drawn once from top to bottom.
struct PySweep {
  nb::bytes bytes;
  int width;
  std::unique_ptr<Sweep> sweep;
};

PySweep sweep_of_file(const PyFile& self, double work, int threads) {
  PySweep made{self.bytes, self.file.width(), nullptr};
  without_gil(threads,
              [&](const Parallel& parallel) { made.sweep = std::make_unique<Sweep>(self.file, work, parallel); });
  return made;
}

// As many rows as the pixels have.
void draw_sweep(const PySweep& self, const Pixels& out, int threads) {
  require(out.ndim() >= 2 && out.shape(0) <= kGreatestViewSide, "pixels have rows");
  const int rows = static_cast<int>(out.shape(0));
  const Surface surface = surface_of(out, {self.width, rows, 1, 0, 0, 0, 1});
  without_gil(threads, [&](const Parallel& parallel) { self.sweep->draw(rows, surface, parallel); });
}

nb::tuple damage_of(const Damage& damage) {
  const Rectangle& r = damage.square;
  return nb::make_tuple(static_cast<int>(damage.of), damage.kind, damage.place.tier, damage.missing, damage.depending,
                        nb::make_tuple(r.left, r.top, r.width, r.height));
}

// A file of which some may be damaged or missing, where its alpha picture's file stands, and what is damaged.
nb::tuple salvaged(const nb::bytes& bytes) {
  const Bytes all = span_of(bytes);
  std::optional<Salvaged> found;
  without_gil(1, [&](const Parallel&) { found.emplace(salvage(all)); });
  nb::object alpha = nb::none();
  if (found->alpha) alpha = nb::make_tuple(found->alpha->at, found->alpha->length);
  nb::list damage;
  for (const Damage& each : found->damage) damage.append(damage_of(each));
  return nb::make_tuple(PyFile{bytes, found->file}, alpha, damage);
}

// Offsets and lengths of what a view needs beside the front of the file.
std::vector<std::pair<uint64_t, uint64_t>> ranges_of(const PyFile& self, const nb::tuple& numbers, bool draft) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  const PartPlan plan(self.file, view_from(numbers), detail_of(draft));
  for (const ByteRange& range : plan.ranges(self.file)) ranges.emplace_back(range.at, range.length);
  return ranges;
}

nb::tuple view_numbers(int width, int height, const std::optional<std::array<double, 4>>& r, double scale) {
  const Region all{0, 0, static_cast<double>(width), static_cast<double>(height)};
  const View v = view_of(width, height, r ? Region{(*r)[0], (*r)[1], (*r)[2], (*r)[3]} : all, scale);
  return nb::make_tuple(v.width, v.height, v.zoom, v.left, v.top, v.blur, v.aspect);
}

void bind_views(nb::module_& m) {
  m.def("empty_pixels", &empty_pixels, "height"_a, "width"_a, "channels"_a, "bytes"_a);
  m.def("view_of", &view_numbers, "width"_a, "height"_a, "region"_a, "scale"_a);
  nb::class_<PyPart>(m, "Part")
      .def("render", &render_part, "view"_a, "out"_a.noconvert(), "work"_a, "threads"_a = 0)
      .def_prop_ro("bytes_read", [](const PyPart& self) { return self.part->bytes_read(); });
  nb::class_<PySweep>(m, "Sweep").def("draw", &draw_sweep, "out"_a.noconvert(), "threads"_a = 0);
  nb::class_<PyBlocks>(m, "Blocks")
      .def("draw", &draw_blocks, "view"_a, "out"_a.noconvert(), "threads"_a = 0)
      .def("integers", [](const PyBlocks& self) { return self.blocks->integers(); });
  m.def("read_blocks", &read_blocks, "section"_a, "width"_a, "height"_a, "grey"_a, "deep"_a, "threads"_a = 0);
  nb::class_<PyRenderer>(m, "Renderer")
      .def(
          "__init__",
          [](PyRenderer* self, int width, int height, ArrayIn<float, 2> splats, int spacing,
             std::optional<ArrayIn<float, 3>> values, int threads) {
            new (self) PyRenderer(make_renderer(width, height, std::move(splats), spacing, std::move(values), threads));
          },
          "width"_a, "height"_a, "splats"_a, "spacing"_a = 0, "values"_a = nb::none(), "threads"_a = 0)
      .def("render", &render, "view"_a, "out"_a.noconvert(), "work"_a, "threads"_a = 0);
}

}  // namespace

void bind_decoder(nb::module_& m) {
  bind_views(m);
  nb::class_<PyFile>(m, "File")
      .def(
          "__init__", [](PyFile* self, nb::bytes bytes) { new (self) PyFile{bytes, File(span_of(bytes))}; }, "data"_a)
      .def_static(
          "of_front",
          [](nb::bytes front, uint64_t size) { return PyFile{front, File(span_of(front), size, nowhere())}; },
          "front"_a, "size"_a)
      .def("ranges", &ranges_of, "view"_a, "draft"_a = false)
      .def(
          "low_level",
          [](const PyFile& self, const nb::tuple& numbers, bool draft) {
            return low_for(self.file, view_from(numbers), detail_of(draft));
          },
          "view"_a, "draft"_a = false)
      .def("metadata_range", &metadata_range, "kind"_a)
      .def_prop_ro("alpha_range", &alpha_range)
      .def(
          "check_alpha",
          [](const PyFile& self, const PyFile& alpha) {
            in_alpha([&] { check_alpha(alpha.file.header(), self.file.header()); });
          },
          "alpha"_a)
      .def_prop_ro("width", [](const PyFile& self) { return self.file.width(); })
      .def_prop_ro("height", [](const PyFile& self) { return self.file.height(); })
      .def_prop_ro("grey", [](const PyFile& self) { return self.file.grey(); })
      .def_prop_ro("bits", [](const PyFile& self) { return self.file.header().bits; })
      .def_prop_ro("sections", &sections_of)
      .def("check", [](const PyFile& self) { self.file.check(); })
      .def("section", &section_of, "kind"_a, "read"_a = nb::none())
      .def_prop_ro("splat_count", [](const PyFile& self) { return self.file.splat_count(); })
      .def_prop_ro("lattice_spacing", &spacing_of)
      .def("splats", &splats_of, "threads"_a = 0)
      .def_static("salvaged", &salvaged, "data"_a)
      .def("part", &part_of_file, "view"_a, "work"_a, "threads"_a = 0, "read"_a = nb::none(), "draft"_a = false)
      .def(
          "sweeps", [](const PyFile& self, double work) { return Sweep::serves(self.file, work); }, "work"_a)
      .def("sweep", &sweep_of_file, "work"_a, "threads"_a = 0)
      .def(
          "keep", [](const PyFile& self, size_t bytes) { self.kept->limit(bytes); }, "bytes"_a)
      .def_prop_ro("kept_bytes", [](const PyFile& self) { return self.kept->bytes(); })
      .def("blocks", &blocks_of, "work"_a, "threads"_a = 0)
      .def("lattice", &lattice_of, "work"_a, "threads"_a = 0);
}

}  // namespace smartsplat
