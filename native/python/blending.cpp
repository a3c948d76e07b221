#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>
#include <utility>

#include "blending/scene.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

template <class Real, int kDimensions>
using MaybeIn = std::optional<ArrayIn<Real, kDimensions>>;
template <class Real>
using Cotangent = nb::ndarray<const Real, nb::ndim<3>, nb::device::cpu>;  // in any layout

Blend blend_of(const std::string& name) {
  if (name == "sum") return Blend::kSum;
  if (name == "alpha") return Blend::kOver;
  if (name == "topk") return Blend::kStrongest;
  throw nb::value_error("the blend must be sum, alpha or topk");
}

// A scene, and the arrays that its numbers lie in.
template <class Real>
class PyScene {
 public:
  PyScene(ArrayIn<Real, 2> means, MaybeIn<Real, 2> scales, MaybeIn<Real, 1> angles, MaybeIn<Real, 2> conics,
          ArrayIn<Real, 2> colours, MaybeIn<Real, 1> opacities, int height, int width, const std::string& blend, int k,
          int threads)
      : means_(std::move(means)),
        scales_(std::move(scales)),
        angles_(std::move(angles)),
        conics_(std::move(conics)),
        colours_(std::move(colours)),
        opacities_(std::move(opacities)),
        height_(static_cast<size_t>(height)),
        width_(static_cast<size_t>(width)) {
    require(height >= 0 && width >= 0 && k > 0, "a picture has no negative sides, and k is at least 1");
    const BlendSpec spec{width, height, blend_of(blend), k};
    const Gaussians<Real> given = gaussians();
    without_gil(threads, [&](const Parallel& parallel) { scene_.emplace(given, spec, parallel); });
  }

  NewArray<Real> draw(int threads) const {
    NewArray<Real> picture = array_again<Real>({height_, width_, colours_.shape(1)});
    without_gil(threads, [&](const Parallel& parallel) { scene_->draw(picture.data(), parallel); });
    return picture;
  }

  nb::tuple vjp(const Cotangent<Real>& cotangent, int threads) const {
    require(cotangent.shape(0) == height_ && cotangent.shape(1) == width_ && cotangent.shape(2) == colours_.shape(1),
            "a cotangent must have the shape of the picture");
    const Samples<const Real> samples{cotangent.data(), cotangent.stride(0), cotangent.stride(1), cotangent.stride(2)};
    auto means = like<2>(means_), colours = like<2>(colours_);
    auto scales = like<2>(scales_), conics = like<2>(conics_);
    auto angles = like<1>(angles_), opacities = like<1>(opacities_);
    const GaussianGradients<Real> gradients{means.data(), data(scales),   data(angles),
                                            data(conics), colours.data(), data(opacities)};
    without_gil(threads, [&](const Parallel& parallel) { scene_->vjp(samples, gradients, parallel); });
    return nb::make_tuple(means, scales, angles, conics, colours, opacities);
  }

 private:
  Gaussians<Real> gaussians() const {
    const size_t n = means_.shape(0);
    const bool axes =
        scales_ && angles_ && !conics_ && scales_->shape(0) == n && scales_->shape(1) == 2 && angles_->shape(0) == n;
    const bool matrices = conics_ && !scales_ && !angles_ && conics_->shape(0) == n && conics_->shape(1) == 3;
    require(means_.shape(1) == 2 && (axes || matrices),
            "means must be (n, 2), with scales (n, 2) and angles (n) or conics (n, 3)");
    require(colours_.shape(0) == n && colours_.shape(1) > 0, "colours must be (n, channels)");
    require(!opacities_ || opacities_->shape(0) == n, "opacities must be (n)");
    const int channels = static_cast<int>(colours_.shape(1));
    return {means_.data(), data(scales_), data(angles_), data(conics_), colours_.data(), data(opacities_), n, channels};
  }

  template <class Array>
  static auto data(const std::optional<Array>& array) {
    return array ? array->data() : nullptr;
  }

  // A new array of the shape of one that is there.
  template <int kDimensions>
  static NewArray<Real> like(const ArrayIn<Real, kDimensions>& array) {
    if constexpr (kDimensions == 1) {
      return new_array<Real>({array.shape(0)});
    } else {
      return new_array<Real>({array.shape(0), array.shape(1)});
    }
  }
  template <int kDimensions>
  static std::optional<NewArray<Real>> like(const std::optional<ArrayIn<Real, kDimensions>>& array) {
    if (!array) return std::nullopt;
    return like<kDimensions>(*array);
  }

  ArrayIn<Real, 2> means_;
  MaybeIn<Real, 2> scales_;
  MaybeIn<Real, 1> angles_;
  MaybeIn<Real, 2> conics_;
  ArrayIn<Real, 2> colours_;
  MaybeIn<Real, 1> opacities_;
  size_t height_, width_;
  std::optional<Scene<Real>> scene_;
};

template <class Real>
void bind(nb::module_& m, const char* name) {
  nb::class_<PyScene<Real>>(m, name)
      .def(nb::init<ArrayIn<Real, 2>, MaybeIn<Real, 2>, MaybeIn<Real, 1>, MaybeIn<Real, 2>, ArrayIn<Real, 2>,
                    MaybeIn<Real, 1>, int, int, const std::string&, int, int>(),
           "means"_a.noconvert(), "scales"_a.noconvert().none(), "angles"_a.noconvert().none(),
           "conics"_a.noconvert().none(), "colours"_a.noconvert(), "opacities"_a.noconvert().none(), "height"_a,
           "width"_a, "blend"_a, "k"_a, "threads"_a = 0)
      .def("draw", &PyScene<Real>::draw, "threads"_a = 0)
      .def("vjp", &PyScene<Real>::vjp, "cotangent"_a.noconvert(), "threads"_a = 0);
}

}  // namespace

void bind_blending(nb::module_& m) {
  bind<float>(m, "Scene32");
  bind<double>(m, "Scene64");
}

}  // namespace smartsplat
