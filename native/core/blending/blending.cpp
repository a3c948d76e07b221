#include "blending/blending.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "blending/over.h"
#include "blending/room.h"
#include "rendering/bins.h"
#include "rendering/slots.h"

namespace smartsplat {
namespace {

// Neighbouring channels that a kernel works on at a time.
struct Part {
  int first, count;
};

// Gaussians in their tiles.
template <class Real>
class Scene {
 public:
  Scene(const Gaussians<Real>& gaussians, const BlendSpec& spec, const Parallel& parallel)
      : gaussians_(gaussians), grid_(spec.width, spec.height, 0), splats_(placed(gaussians, spec.blend, parallel)) {
    bins_.fill(grid_, splats_, parallel);
  }

  const TileGrid& grid() const { return grid_; }
  const Bins& bins() const { return bins_; }
  bool visible(size_t i) const { return splats_[i].x_extent > 0; }

  BlendTile<Real> tile(size_t index) const {
    const int x = static_cast<int>(index % static_cast<size_t>(grid_.columns)) * kTileSize;
    const int y = static_cast<int>(index / static_cast<size_t>(grid_.columns)) * kTileSize;
    BlendTile<Real> tile{
        {}, kTileSize, x, y, std::min(kTileSize, grid_.width - x), std::min(kTileSize, grid_.height - y)};
    for (int c = 0; c < kMostChannels; ++c) tile.plane[c] = blend_room<Real>().plane(c);
    return tile;
  }

  BlendList<Real> list(size_t index, const Part& part) const {
    const TileIds list = bins_.list(index);
    return {
        splats_.data(), gaussians_.colours + part.first, static_cast<size_t>(gaussians_.channels), list.ids, list.slots,
        list.count};
  }

  std::vector<Part> parts() const {
    std::vector<Part> parts;
    for (int first = 0; first < gaussians_.channels; first += kMostChannels) {
      parts.push_back({first, std::min(kMostChannels, gaussians_.channels - first)});
    }
    return parts;
  }

 private:
  const Gaussians<Real>& gaussians_;
  TileGrid grid_;
  Buffer<PlacedSplat<Real>> splats_;
  Bins bins_;
};

// The samples from a tile's first pixel and a part's first channel on.
template <class Real, class Sample>
Samples<Sample> samples_at(const Samples<Sample>& picture, const BlendTile<Real>& tile, const Part& part) {
  Samples<Sample> samples = picture;
  samples.first += tile.y * picture.row + tile.x * picture.column + part.first * picture.channel;
  return samples;
}

// A part's channels of a tile of the picture.
template <class Real>
void draw(const BlendList<Real>& list, const BlendTile<Real>& tile, int channels, const BlendSpec& spec) {
  const BlendKernels<Real>& kernels = blend_kernels<Real>();
  BlendRoom<Real>& room = blend_room<Real>();
  if (spec.blend == Blend::kStrongest) {
    room.squares.for_each(list, tile, spec.k, [&](const auto& reaching, const auto& square, const auto& memory) {
      kernels.mix[channels - 1](reaching, square, spec.k, memory);
    });
    return;
  }
  for (int c = 0; c < channels; ++c) std::fill_n(tile.plane[c], kBlendPlane, Real(0));
  if (spec.blend == Blend::kSum) {
    kernels.add[channels - 1](list, tile);
  } else {
    std::fill_n(room.through(), kBlendPlane, Real(1));
    kernels.cover[channels - 1](list, tile, room.through());
  }
}

// Clears the slots of a list from one of its splats on.
template <class Real>
void clear(const TileIds& list, size_t first, const BlendSlots<Real>& slots) {
  for (size_t i = first; i < list.count; ++i) {
    std::fill_n(slots.numbers + static_cast<size_t>(list.slots[i]) * slots.stride, slots.stride, Real(0));
  }
}

// What a tile's splats need only once for all parts of the channels.
template <class Real>
std::optional<Layers<Real>> prepare(const BlendList<Real>& list, const BlendTile<Real>& tile, Blend blend) {
  if (blend == Blend::kStrongest) blend_room<Real>().squares.sort(list, tile);
  if (blend == Blend::kOver) return std::make_optional<Layers<Real>>(list, tile);
  return std::nullopt;
}

// The sums of all splats of a tile, to its slots.
template <class Real>
void gather(const Scene<Real>& scene, size_t index, const BlendSpec& spec, const Samples<const Real>& cotangent,
            BlendSlots<Real> slots) {
  const BlendKernels<Real>& kernels = blend_kernels<Real>();
  const BlendTile<Real> tile = scene.tile(index);
  std::optional<Layers<Real>> layers = prepare(scene.list(index, {}), tile, spec.blend);
  const std::vector<Part> parts = scene.parts();
  slots.fresh = spec.blend != Blend::kStrongest && parts.size() == 1;
  const TileIds ids = scene.bins().list(index);
  clear(ids, !slots.fresh ? 0 : layers ? layers->seen() : ids.count, slots);
  for (const Part& part : parts) {
    const BlendList<Real> list = scene.list(index, part);
    kernels.read[part.count - 1](tile, samples_at(cotangent, tile, part));
    slots.colour = kMoments + static_cast<size_t>(part.first);
    if (layers) {
      layers->gather(list, tile, part.count, slots);
    } else if (spec.blend == Blend::kSum) {
      kernels.gather[part.count - 1](list, tile, slots);
    } else {
      blend_room<Real>().squares.for_each(list, tile, spec.k,
                                          [&](const auto& reaching, const auto& square, const auto& memory) {
                                            kernels.unmix[part.count - 1](reaching, square, spec.k, memory, slots);
                                          });
    }
  }
}

}  // namespace

template <class Real>
void blend_picture(const Gaussians<Real>& gaussians, const BlendSpec& spec, Real* picture, const Parallel& parallel) {
  if (spec.width == 0 || spec.height == 0) return;
  const Scene<Real> scene(gaussians, spec, parallel);
  const ptrdiff_t channels = gaussians.channels;
  const Samples<Real> samples{picture, channels * spec.width, channels, 1};
  parallel.for_each(scene.grid().count(), [&](size_t index) {
    const BlendTile<Real> tile = scene.tile(index);
    if (spec.blend == Blend::kStrongest) blend_room<Real>().squares.sort(scene.list(index, {}), tile);
    for (const Part& part : scene.parts()) {
      draw(scene.list(index, part), tile, part.count, spec);
      blend_kernels<Real>().write[part.count - 1](tile, samples_at(samples, tile, part));
    }
  });
}

template <class Real>
void blend_vjp(const Gaussians<Real>& gaussians, const BlendSpec& spec, const Samples<const Real>& cotangent,
               const GaussianGradients<Real>& gradients, const Parallel& parallel) {
  if (spec.width == 0 || spec.height == 0) {
    for_splats(gaussians.count, parallel, [&](size_t i) { no_gradient(gaussians, i, gradients); });
    return;
  }
  const Scene<Real> scene(gaussians, spec, parallel);
  const size_t stride = kMoments + static_cast<size_t>(gaussians.channels);
  Slots<Real> room(scene.bins().pairs() * stride);
  const BlendSlots<Real> slots{room.data(), stride, kMoments, false};
  parallel.for_each(scene.grid().count(), [&](size_t index) { gather(scene, index, spec, cotangent, slots); });
  for_sums(gaussians.count, scene.bins(), slots.numbers, stride, stride, parallel, [&](size_t i, const double* sums) {
    if (scene.visible(i)) {
      chain_rule(gaussians, spec.blend, i, sums, sums + kMoments, gradients);
    } else {
      no_gradient(gaussians, i, gradients);
    }
  });
}

template void blend_picture(const Gaussians<float>&, const BlendSpec&, float*, const Parallel&);
template void blend_picture(const Gaussians<double>&, const BlendSpec&, double*, const Parallel&);
template void blend_vjp(const Gaussians<float>&, const BlendSpec&, const Samples<const float>&,
                        const GaussianGradients<float>&, const Parallel&);
template void blend_vjp(const Gaussians<double>&, const BlendSpec&, const Samples<const double>&,
                        const GaussianGradients<double>&, const Parallel&);

}  // namespace smartsplat
