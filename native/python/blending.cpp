#include "blending/blending.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

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

// The parameters of Gaussians, as arrays of Python's.
template <class Real>
struct Parameters {
  const ArrayIn<Real, 2>& means;
  const MaybeIn<Real, 2>& scales;
  const MaybeIn<Real, 1>& angles;
  const MaybeIn<Real, 2>& conics;
  const ArrayIn<Real, 2>& colours;
  const MaybeIn<Real, 1>& opacities;

  Gaussians<Real> gaussians() const {
    const size_t n = means.shape(0);
    const bool axes =
        scales && angles && !conics && scales->shape(0) == n && scales->shape(1) == 2 && angles->shape(0) == n;
    const bool matrices = conics && !scales && !angles && conics->shape(0) == n && conics->shape(1) == 3;
    require(means.shape(1) == 2 && (axes || matrices),
            "means must be (n, 2), with scales (n, 2) and angles (n) or conics (n, 3)");
    require(colours.shape(0) == n && colours.shape(1) > 0, "colours must be (n, channels)");
    require(!opacities || opacities->shape(0) == n, "opacities must be (n)");
    return {means.data(),
            data(scales),
            data(angles),
            data(conics),
            colours.data(),
            data(opacities),
            n,
            static_cast<int>(colours.shape(1))};
  }

 private:
  template <class Array>
  static const Real* data(const std::optional<Array>& array) {
    return array ? array->data() : nullptr;
  }
};

template <class Real>
NewArray<Real> bound_blend(const ArrayIn<Real, 2>& means, const MaybeIn<Real, 2>& scales,
                           const MaybeIn<Real, 1>& angles, const MaybeIn<Real, 2>& conics,
                           const ArrayIn<Real, 2>& colours, const MaybeIn<Real, 1>& opacities, int height, int width,
                           const std::string& blend, int k, int threads) {
  const Gaussians<Real> gaussians = Parameters<Real>{means, scales, angles, conics, colours, opacities}.gaussians();
  require(height >= 0 && width >= 0 && k > 0, "a picture has no negative sides, and k is at least 1");
  const BlendSpec spec{width, height, blend_of(blend), k};
  NewArray<Real> picture =
      array_again<Real>({static_cast<size_t>(height), static_cast<size_t>(width), colours.shape(1)});
  without_gil(threads, [&](const Parallel& parallel) { blend_picture(gaussians, spec, picture.data(), parallel); });
  return picture;
}

// A new array of the shape of one that is there.
template <class Real, class Array>
std::optional<NewArray<Real>> like(const std::optional<Array>& array) {
  if (!array) return std::nullopt;
  if (array->ndim() == 1) return new_array<Real>({array->shape(0)});
  return new_array<Real>({array->shape(0), array->shape(1)});
}

template <class Real>
Real* data(std::optional<NewArray<Real>>& array) {
  return array ? array->data() : nullptr;
}

template <class Real>
nb::tuple bound_blend_vjp(const Cotangent<Real>& cotangent, const ArrayIn<Real, 2>& means,
                          const MaybeIn<Real, 2>& scales, const MaybeIn<Real, 1>& angles,
                          const MaybeIn<Real, 2>& conics, const ArrayIn<Real, 2>& colours,
                          const MaybeIn<Real, 1>& opacities, const std::string& blend, int k, int threads) {
  const Gaussians<Real> gaussians = Parameters<Real>{means, scales, angles, conics, colours, opacities}.gaussians();
  require(cotangent.shape(2) == colours.shape(1) && k > 0,
          "a cotangent has the colours' channels, and k is at least 1");
  const BlendSpec spec{static_cast<int>(cotangent.shape(1)), static_cast<int>(cotangent.shape(0)), blend_of(blend), k};
  const Samples<const Real> samples{cotangent.data(), cotangent.stride(0), cotangent.stride(1), cotangent.stride(2)};
  NewArray<Real> to_means = new_array<Real>({means.shape(0), 2});
  NewArray<Real> to_colours = new_array<Real>({colours.shape(0), colours.shape(1)});
  auto to_scales = like<Real>(scales), to_angles = like<Real>(angles), to_conics = like<Real>(conics),
       to_opacities = like<Real>(opacities);
  const GaussianGradients<Real> gradients{to_means.data(), data(to_scales),   data(to_angles),
                                          data(to_conics), to_colours.data(), data(to_opacities)};
  without_gil(threads, [&](const Parallel& parallel) { blend_vjp(gaussians, spec, samples, gradients, parallel); });
  return nb::make_tuple(to_means, to_scales, to_angles, to_conics, to_colours, to_opacities);
}

template <class Real>
void bind(nb::module_& m) {
  m.def("blend", &bound_blend<Real>, "means"_a.noconvert(), "scales"_a.noconvert().none(),
        "angles"_a.noconvert().none(), "conics"_a.noconvert().none(), "colours"_a.noconvert(),
        "opacities"_a.noconvert().none(), "height"_a, "width"_a, "blend"_a, "k"_a, "threads"_a = 0);
  m.def("blend_vjp", &bound_blend_vjp<Real>, "cotangent"_a.noconvert(), "means"_a.noconvert(),
        "scales"_a.noconvert().none(), "angles"_a.noconvert().none(), "conics"_a.noconvert().none(),
        "colours"_a.noconvert(), "opacities"_a.noconvert().none(), "blend"_a, "k"_a, "threads"_a = 0);
}

}  // namespace

void bind_blending(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace smartsplat
