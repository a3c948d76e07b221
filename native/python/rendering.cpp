#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "fitting/passes.h"
#include "python/arrays.h"
#include "python/faces.h"
#include "rendering/frame.h"
#include "rendering/kernels/table.h"
#include "rendering/surface.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

using Planes = nb::ndarray<nb::ro, nb::ndim<3>, nb::c_contig, nb::device::cpu>;  // [3, H, W], 8 or 16 bits
using Rows = ArrayIn<float, 2>;
using Values = ArrayIn<float, 3>;

// A canvas and the array that its lattice's values lie in.
struct PyCanvas {
  std::optional<Values> values;
  std::optional<Rows> weights;
  Canvas canvas;
};

// A frame of a canvas, which Python keeps alive, and with it the weights.
struct PyFrame {
  Frame frame;
  CellWeights weights;
};

LatticeShape shape_of(int width, int height, int spacing) {
  require(width > 0 && height > 0 && spacing > 0, "a lattice needs a picture's size and a spacing");
  return {width, height, spacing};
}

LatticeValues lattice_of(int width, int height, int spacing, const std::optional<Values>& values) {
  if (!values) return {};
  const LatticeShape shape = shape_of(width, height, spacing);
  require(values->shape(0) == 3 && values->shape(1) == static_cast<size_t>(shape.rows()) &&
              values->shape(2) == static_cast<size_t>(shape.columns()),
          "the lattice's values must have the shape (3, rows, columns)");
  return {shape, values->data()};
}

// The array of a canvas's weights, if it has the right shape.
std::optional<Rows> weights_of(const View& view, std::optional<Rows> weights) {
  const auto cells = [](int side) { return static_cast<size_t>((side + kCellSize - 1) / kCellSize); };
  require(!weights || (weights->shape(0) == cells(view.height) && weights->shape(1) == cells(view.width)),
          "weights must have the shape (rows, columns) of the view's cells");
  return weights;
}

PyCanvas make_canvas(const View& view, bool ssim, int width, int height, int spacing, std::optional<Values> values,
                     std::optional<Rows> weights) {
  const LatticeValues lattice = lattice_of(width, height, spacing, values);
  return {std::move(values), weights_of(view, std::move(weights)), Canvas(view, 0, lattice)};
}

PyFrame* place(const PyCanvas& canvas, const Rows& parameters, int threads) {
  require(parameters.shape(1) == kParameters, "parameters must have the shape (n, 8)");
  std::optional<PyFrame> frame;
  without_gil(threads, [&](const Parallel& parallel) {
    const CellWeights weights{canvas.weights ? canvas.weights->data() : nullptr};
    frame.emplace(Frame(canvas.canvas, {parameters.data(), parameters.shape(0)}, parallel), weights);
  });
  return new PyFrame(std::move(*frame));
}

Target target_of(const Frame& frame, const Planes& planes) {
  require(planes.shape(0) == 3 && planes.shape(1) == static_cast<size_t>(frame.view().height) &&
              planes.shape(2) == static_cast<size_t>(frame.view().width),
          "the target's shape must be (3, height, width) of the view");
  const bool wide = planes.dtype() == nb::dtype<uint16_t>();
  require(wide || planes.dtype() == nb::dtype<uint8_t>(), "the target must be uint8 or uint16");
  const size_t bytes = planes.shape(1) * planes.shape(2) * (wide ? sizeof(uint16_t) : sizeof(uint8_t));
  const uint8_t* const first = static_cast<const uint8_t*>(planes.data());
  return {{first, first + bytes, first + 2 * bytes}, frame.view().width, frame.view().height, wide};
}

LossSpec loss_of(const std::string& name, float weight) {
  if (name == "l2") return {Loss::kSquared, 1};
  if (name == "l1") return {Loss::kAbsolute, 1};
  if (name == "l1+ssim") return {Loss::kAbsoluteSsim, weight};
  throw nb::value_error("the loss must be l2, l1 or l1+ssim");
}

NewArray<uint8_t> render_bytes(const PyFrame& self, int threads) {
  const size_t height = static_cast<size_t>(self.frame.view().height),
               width = static_cast<size_t>(self.frame.view().width);
  NewArray<uint8_t> rgb = new_array<uint8_t>({height, width, 3});
  const Surface surface{Samples::kBytes, 3, 3, rgb.data(), static_cast<ptrdiff_t>(3 * width)};
  without_gil(threads, [&](const Parallel& parallel) { draw(self.frame, surface, parallel); });
  return rgb;
}

NewArray<float> render_sums(const PyFrame& self, int threads) {
  const size_t height = static_cast<size_t>(self.frame.view().height),
               width = static_cast<size_t>(self.frame.view().width);
  NewArray<float> rgb = new_array<float>({height, width, 3});
  without_gil(threads, [&](const Parallel& parallel) { draw_sums(self.frame, rgb.data(), parallel); });
  return rgb;
}

nb::tuple gradient(const PyFrame& self, const Planes& planes, const std::string& loss, float weight, int threads) {
  require(self.frame.view().aspect == 1, "gradients need an aspect of 1");
  const Target target = target_of(self.frame, planes);
  const LossSpec spec = loss_of(loss, weight);
  require(!target.wide || spec.kind != Loss::kAbsoluteSsim, "the loss l1+ssim needs a target of 8 bits");

  NewArray<float> out = new_array<float>({self.frame.size(), kParameters});
  double value = 0;
  without_gil(threads, [&](const Parallel& parallel) {
    value = loss_gradient(self.frame, target, spec, self.weights, out.data(), parallel);
  });
  return nb::make_tuple(value, out);
}

NewArray<float> product(const PyFrame& self, const Rows& direction, int threads) {
  require(direction.shape(0) == self.frame.size() && (direction.shape(1) == kParameters || direction.shape(1) == 3),
          "a direction must have the shape (n, 8), or (n, 3) for the colours alone");
  NewArray<float> out = new_array<float>({direction.shape(0), direction.shape(1)});
  const auto verb = direction.shape(1) == 3 ? colour_product : normal_product;
  without_gil(threads, [&](const Parallel& parallel) {
    verb(self.frame, direction.data(), self.weights, out.data(), parallel);
  });
  return out;
}

const float* cotangent_of(const Frame& frame, const Values& picture) {
  require(picture.shape(0) == static_cast<size_t>(frame.view().height) &&
              picture.shape(1) == static_cast<size_t>(frame.view().width) && picture.shape(2) == 3,
          "a cotangent must have the shape (height, width, 3) of the view");
  return picture.data();
}

NewArray<float> bound_vjp(const PyFrame& self, const Values& cotangent, int threads) {
  require(self.frame.view().aspect == 1, "gradients need an aspect of 1");
  const float* const picture = cotangent_of(self.frame, cotangent);
  NewArray<float> out = new_array<float>({self.frame.size(), kParameters});
  without_gil(threads, [&](const Parallel& parallel) { vjp(self.frame, picture, out.data(), parallel); });
  return out;
}

NewArray<float> bound_lattice_vjp(const PyFrame& self, const Values& cotangent, int width, int height, int spacing,
                                  int threads) {
  const float* const picture = cotangent_of(self.frame, cotangent);
  const LatticeShape shape = shape_of(width, height, spacing);
  NewArray<float> out = new_array<float>({3, static_cast<size_t>(shape.rows()), static_cast<size_t>(shape.columns())});
  without_gil(threads,
              [&](const Parallel& parallel) { lattice_vjp(self.frame, picture, shape, out.data(), parallel); });
  return out;
}

NewArray<float> diagonal(const PyFrame& self, int threads) {
  NewArray<float> out = new_array<float>({self.frame.size()});
  without_gil(threads, [&](const Parallel& parallel) { colour_diagonal(self.frame, out.data(), parallel); });
  return out;
}

void residual(const PyFrame& self, const Planes& planes, int width, int height, int spacing, ArrayOut<float, 3> out,
              int threads) {
  const Target target = target_of(self.frame, planes);
  const LatticeShape shape = shape_of(width, height, spacing);
  require(out.shape(0) == 3 && out.shape(1) == static_cast<size_t>(shape.rows()) &&
              out.shape(2) == static_cast<size_t>(shape.columns()),
          "sums must have the shape (3, rows, columns)");
  without_gil(threads,
              [&](const Parallel& parallel) { lattice_residual(self.frame, target, shape, out.data(), parallel); });
}

double error_of(const PyFrame& self, const Planes& planes, int threads) {
  const Target target = target_of(self.frame, planes);
  double error = 0;
  without_gil(threads, [&](const Parallel& parallel) { error = decoded_error(self.frame, target, parallel); });
  return error;
}

NewArray<float> errors_of(const PyFrame& self, const Planes& planes, int threads) {
  const Target target = target_of(self.frame, planes);
  const size_t columns = static_cast<size_t>((target.width + kCellSize - 1) / kCellSize);
  const size_t rows = static_cast<size_t>((target.height + kCellSize - 1) / kCellSize);
  NewArray<float> out = new_array<float>({rows, columns});
  without_gil(threads, [&](const Parallel& parallel) { cell_errors(self.frame, target, out.data(), parallel); });
  return out;
}

void bind_canvas(nb::module_& m) {
  nb::class_<PyCanvas>(m, "Canvas")
      .def(
          "__init__",
          [](PyCanvas* self, int width, int height, double zoom, double left, double top, double blur, double aspect,
             bool ssim, int picture_width, int picture_height, int spacing, std::optional<Values> values,
             std::optional<Rows> weights) {
            new (self) PyCanvas(make_canvas({width, height, zoom, left, top, blur, aspect}, ssim, picture_width,
                                            picture_height, spacing, std::move(values), std::move(weights)));
          },
          "width"_a, "height"_a, "zoom"_a = 1.0, "left"_a = 0.0, "top"_a = 0.0, "blur"_a = 0.0, "aspect"_a = 1.0,
          "ssim"_a = false, "picture_width"_a = 0, "picture_height"_a = 0, "spacing"_a = 0, "values"_a = nb::none(),
          "weights"_a = nb::none())
      .def("place", &place, "parameters"_a, "threads"_a = 0, nb::keep_alive<0, 1>());
}

}  // namespace

void bind_rendering(nb::module_& m) {
  m.def("instruction_set", [] { return kernels().name; });
  m.def("use_instruction_set", [](const std::string& name) { return choose_kernels(name); }, "name"_a);
  m.def("thread_count", [](int threads) { return Parallel{threads}.count(); }, "threads"_a = 0);
  bind_canvas(m);
  nb::class_<PyFrame>(m, "Frame")
      .def("render_bytes", &render_bytes, "threads"_a = 0)
      .def("render_sums", &render_sums, "threads"_a = 0)
      .def("gradient", &gradient, "target"_a, "loss"_a, "weight"_a, "threads"_a = 0)
      .def("vjp", &bound_vjp, "cotangent"_a, "threads"_a = 0)
      .def("lattice_vjp", &bound_lattice_vjp, "cotangent"_a, "width"_a, "height"_a, "spacing"_a, "threads"_a = 0)
      .def("normal_product", &product, "direction"_a, "threads"_a = 0)
      .def("colour_diagonal", &diagonal, "threads"_a = 0)
      .def("lattice_residual", &residual, "target"_a, "width"_a, "height"_a, "spacing"_a, "out"_a.noconvert(),
           "threads"_a = 0)
      .def("decoded_error", &error_of, "target"_a, "threads"_a = 0)
      .def("cell_errors", &errors_of, "target"_a, "threads"_a = 0)
      .def_prop_ro("pairs", [](const PyFrame& self) { return self.frame.pairs(); });
}

}  // namespace smartsplat
