#include "fitting/picture_loss.h"
#include "metrics/error.h"
#include "metrics/ssim.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

// Pictures [height, width, channels] with any strides, so that neither parts nor planes need a copy.
template <class Sample>
using PixelsOf = nb::ndarray<const Sample, nb::ndim<3>, nb::device::cpu>;
using Pixels = PixelsOf<uint8_t>;

template <class Sample>
Plane<Sample> channel_of(const PixelsOf<Sample>& pixels, size_t channel) {
  const Sample* const first = pixels.data() + static_cast<ptrdiff_t>(channel) * pixels.stride(2);
  return {first, pixels.shape(0), pixels.shape(1), pixels.stride(0), pixels.stride(1)};
}

template <class Sample>
void require_same_shape(const PixelsOf<Sample>& a, const PixelsOf<Sample>& b) {
  require(a.shape(0) == b.shape(0) && a.shape(1) == b.shape(1) && a.shape(2) == b.shape(2),
          "the pictures must have the same shape");
}

template <class Sample>
uint64_t total_squared_error(const PixelsOf<Sample>& a, const PixelsOf<Sample>& b, int threads) {
  require_same_shape<Sample>(a, b);
  uint64_t sum = 0;
  without_gil(threads, [&](const Parallel& parallel) {
    for (size_t c = 0; c < a.shape(2); ++c)
      sum += squared_error(channel_of<Sample>(a, c), channel_of<Sample>(b, c), parallel);
  });
  return sum;
}

// [channels, levels, 2]: SSIM, and its contrast and structure factors alone.
NewArray<double> similarities(const Pixels& a, const Pixels& b, int levels, int threads) {
  require_same_shape<uint8_t>(a, b);
  require(levels >= 1 && levels <= kSsimLevels, "1 to 5 levels can be computed");
  const size_t least = (kSsimTaps - 1) << (levels - 1);
  require(a.shape(0) > least && a.shape(1) > least, "the pictures are too small for that many levels");
  const size_t channels = a.shape(2), count = static_cast<size_t>(levels);
  NewArray<double> out = new_array<double>({channels, count, 2});
  without_gil(threads, [&](const Parallel& parallel) {
    for (size_t c = 0; c < channels; ++c) {
      Similarity levels_of_channel[kSsimLevels];
      ssim_levels(channel_of<uint8_t>(a, c), channel_of<uint8_t>(b, c), levels, levels_of_channel, parallel);
      for (size_t l = 0; l < count; ++l) {
        out.data()[2 * (c * count + l)] = levels_of_channel[l].ssim;
        out.data()[2 * (c * count + l) + 1] = levels_of_channel[l].contrast;
      }
    }
  });
  return out;
}

template <class Real>
LossPictures<Real> pictures_of(const ArrayIn<Real, 3>& picture, const ArrayIn<Real, 3>& target,
                               NewArray<Real>& gradient) {
  const size_t height = picture.shape(0), width = picture.shape(1), channels = picture.shape(2);
  require(target.shape(0) == height && target.shape(1) == width && target.shape(2) == channels && picture.size() > 0,
          "the pictures must have the same shape, with at least one sample");
  gradient = array_again<Real>({height, width, channels});
  return {picture.data(), target.data(), gradient.data(), height, width, channels};
}

template <class Real>
nb::tuple similarity_loss_and_gradient(const ArrayIn<Real, 3>& picture, const ArrayIn<Real, 3>& target, double absolute,
                                       double ssim, bool clamped, int threads) {
  NewArray<Real> gradient;
  const LossPictures<Real> pictures = pictures_of<Real>(picture, target, gradient);
  SsimTerms means{};
  without_gil(threads, [&](const Parallel& parallel) {
    means = similarity_loss(pictures, {absolute, ssim}, clamped, parallel);
  });
  return nb::make_tuple(means.absolute, means.ssim, gradient);
}

template <class Real>
nb::tuple squared_loss_and_gradient(const ArrayIn<Real, 3>& picture, const ArrayIn<Real, 3>& target, Real low,
                                    Real high, int threads) {
  NewArray<Real> gradient;
  const LossPictures<Real> pictures = pictures_of<Real>(picture, target, gradient);
  double mean = 0;
  without_gil(threads, [&](const Parallel& parallel) { mean = squared_loss(pictures, low, high, parallel); });
  return nb::make_tuple(mean, gradient);
}

template <class Real>
void bind_losses(nb::module_& m) {
  m.def("similarity_loss", &similarity_loss_and_gradient<Real>, "picture"_a.noconvert(), "target"_a.noconvert(),
        "absolute"_a, "ssim"_a, "clamped"_a, "threads"_a = 0);
  m.def("squared_loss", &squared_loss_and_gradient<Real>, "picture"_a.noconvert(), "target"_a.noconvert(), "low"_a,
        "high"_a, "threads"_a = 0);
}

}  // namespace

void bind_metrics(nb::module_& m) {
  m.def("squared_error", &total_squared_error<uint8_t>, "a"_a.noconvert(), "b"_a.noconvert(), "threads"_a = 0);
  m.def("squared_error", &total_squared_error<uint16_t>, "a"_a.noconvert(), "b"_a.noconvert(), "threads"_a = 0);
  m.def("ssim_levels", &similarities, "a"_a, "b"_a, "levels"_a, "threads"_a = 0);
  bind_losses<float>(m);
  bind_losses<double>(m);
}

}  // namespace smartsplat
