#include "engine/bindings.h"

#include <nanobind/stl/string.h>

#include <memory>
#include <string>
#include <utility>

#include "common/arrays.h"
#include "common/threads.h"
#include "engine/frame.h"
#include "engine/kernels/table.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

using Planes = ArrayIn<uint8_t, 3>;  // [3, H, W]

Target target_of(const Frame& frame, const Planes& planes) {
  require(planes.shape(0) == 3 && planes.shape(1) == static_cast<size_t>(frame.view().height) &&
              planes.shape(2) == static_cast<size_t>(frame.view().width),
          "the target's shape must be (3, height, width) of the view");
  const size_t size = planes.shape(1) * planes.shape(2);
  return {{planes.data(), planes.data() + size, planes.data() + 2 * size}, frame.view().width, frame.view().height};
}

LossSpec loss_of(const std::string& name, float weight) {
  if (name == "l2") return {Loss::kSquared, 1};
  if (name == "l1") return {Loss::kAbsolute, 1};
  if (name == "l1+ssim") return {Loss::kAbsoluteSsim, weight};
  throw nb::value_error("the loss must be l2, l1 or l1+ssim");
}

Frame make_frame(int width, int height, double zoom, double left, double top, double blur, double aspect, bool ssim) {
  require(width > 0 && height > 0 && zoom > 0 && blur >= 0 && aspect > 0,
          "a view needs a positive size and zoom and no negative blur");
  return Frame({width, height, zoom, left, top, blur, aspect}, ssim ? kSsimHalo : 0);
}

void place(Frame& frame, const ArrayIn<float, 2>& parameters) {
  require(parameters.shape(1) == kParameters, "parameters must have the shape (n, 8)");
  nb::gil_scoped_release release;
  frame.place(parameters.data(), parameters.shape(0));
}

LatticeShape shape_of(int width, int height, int spacing) {
  require(width > 0 && height > 0 && spacing >= 0, "a lattice needs a picture's size and no negative spacing");
  return {width, height, spacing};
}

void lay(Frame& frame, int width, int height, int spacing, const ArrayIn<float, 3>& values) {
  const LatticeShape shape = shape_of(width, height, spacing);
  require(values.shape(0) == 3 && values.shape(1) == static_cast<size_t>(shape.rows()) &&
              values.shape(2) == static_cast<size_t>(shape.columns()),
          "the lattice's values must have the shape (3, rows, columns)");
  std::shared_ptr<void> owner = std::make_shared<ArrayIn<float, 3>>(values);
  nb::gil_scoped_release release;
  owner = frame.lay(shape, values.data(), std::move(owner));
  nb::gil_scoped_acquire acquire;  // for the array before, which may be the last reference
  owner.reset();
}

NewArray<float> lattice_residual(const Frame& frame, const Planes& planes) {
  const Target target = target_of(frame, planes);
  const LatticeShape& shape = frame.lattice();
  NewArray<float> out = new_array<float>({3, static_cast<size_t>(shape.rows()), static_cast<size_t>(shape.columns())});
  nb::gil_scoped_release release;
  frame.lattice_residual(target, out.data());
  return out;
}

template <class T>
NewArray<T> render(const Frame& frame) {
  const size_t height = static_cast<size_t>(frame.view().height), width = static_cast<size_t>(frame.view().width);
  NewArray<T> rgb = new_array<T>({height, width, 3});
  nb::gil_scoped_release release;
  frame.render(rgb.data());
  return rgb;
}

double gradient(Frame& frame, const Planes& planes, const std::string& loss, float weight, ArrayOut<float, 2> out) {
  require(out.shape(0) == frame.size() && out.shape(1) == kParameters, "the gradient must have the shape (n, 8)");
  require(frame.view().aspect == 1, "gradients need an aspect of 1");
  const Target target = target_of(frame, planes);
  const LossSpec spec = loss_of(loss, weight);
  require(spec.kind != Loss::kAbsoluteSsim || frame.halo() == kSsimHalo, "this frame was not made for SSIM");
  nb::gil_scoped_release release;
  return frame.gradient(target, spec, out.data());
}

void normal_product(Frame& frame, const ArrayIn<float, 2>& direction, ArrayOut<float, 2> out) {
  require(direction.shape(0) == frame.size() && direction.shape(1) == kParameters && out.shape(0) == frame.size() &&
              out.shape(1) == kParameters,
          "direction and product must have the shape (n, 8)");
  nb::gil_scoped_release release;
  frame.normal_product(direction.data(), out.data());
}

void colour_product(Frame& frame, const ArrayIn<float, 2>& direction, ArrayOut<float, 2> out) {
  require(direction.shape(0) == frame.size() && direction.shape(1) == 3 && out.shape(0) == frame.size() &&
              out.shape(1) == 3,
          "direction and product must have the shape (n, 3)");
  nb::gil_scoped_release release;
  frame.colour_product(direction.data(), out.data());
}

NewArray<float> colour_diagonal(Frame& frame) {
  NewArray<float> out = new_array<float>({frame.size()});
  nb::gil_scoped_release release;
  frame.colour_diagonal(out.data());
  return out;
}

double decoded_error(const Frame& frame, const Planes& planes) {
  const Target target = target_of(frame, planes);
  nb::gil_scoped_release release;
  return frame.decoded_error(target);
}

NewArray<float> cell_errors(const Frame& frame, const Planes& planes) {
  const Target target = target_of(frame, planes);
  const size_t columns = static_cast<size_t>((target.width + kCellSize - 1) / kCellSize);
  const size_t rows = static_cast<size_t>((target.height + kCellSize - 1) / kCellSize);
  NewArray<float> out = new_array<float>({rows, columns});
  nb::gil_scoped_release release;
  frame.cell_errors(target, out.data());
  return out;
}

}  // namespace

void bind_engine(nb::module_& m) {
  m.def("set_thread_count", &set_thread_count, "count"_a);
  m.def("thread_count", &thread_count);
  m.def("instruction_set", [] { return kernels().name; });
  m.def("use_instruction_set", [](const std::string& name) { return choose_kernels(name); }, "name"_a);
  m.attr("CELL_SIZE") = kCellSize;
  nb::class_<Frame>(m, "Frame")
      .def(
          "__init__",
          [](Frame* self, int width, int height, double zoom, double left, double top, double blur, double aspect,
             bool ssim) { new (self) Frame(make_frame(width, height, zoom, left, top, blur, aspect, ssim)); },
          "width"_a, "height"_a, "zoom"_a = 1.0, "left"_a = 0.0, "top"_a = 0.0, "blur"_a = 0.0, "aspect"_a = 1.0,
          "ssim"_a = false)
      .def("place", &place, "parameters"_a)
      .def("lay", &lay, "width"_a, "height"_a, "spacing"_a, "values"_a)
      .def("lattice_residual", &lattice_residual, "target"_a)
      .def("render_bytes", &render<uint8_t>)
      .def("render_floats", &render<float>)
      .def("gradient", &gradient, "target"_a, "loss"_a, "weight"_a, "out"_a)
      .def("colour_product", &colour_product, "direction"_a, "out"_a)
      .def("normal_product", &normal_product, "direction"_a, "out"_a)
      .def("colour_diagonal", &colour_diagonal)
      .def("decoded_error", &decoded_error, "target"_a)
      .def("cell_errors", &cell_errors, "target"_a)
      .def_prop_ro("support_pixels", &Frame::support_pixels)
      .def_prop_ro("pairs", &Frame::pairs);
}

}  // namespace smartsplat
