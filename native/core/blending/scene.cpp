#include "blending/scene.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "blending/over.h"
#include "blending/room.h"
#include "rendering/slots.h"

namespace smartsplat {
namespace {

// Neighbouring channels that a kernel works on at a time.
struct Part {
  int first, count;
};

std::vector<Part> parts_of(int channels) {
  std::vector<Part> parts;
  for (int first = 0; first < channels; first += kMostChannels) {
    parts.push_back({first, std::min(kMostChannels, channels - first)});
  }
  return parts;
}

template <class Real>
BlendTile<Real> tile_at(const TileGrid& grid, size_t index) {
  const int x = static_cast<int>(index % static_cast<size_t>(grid.columns)) * kTileSize;
  const int y = static_cast<int>(index / static_cast<size_t>(grid.columns)) * kTileSize;
  BlendTile<Real> tile{{}, kTileSize, x, y, std::min(kTileSize, grid.width - x), std::min(kTileSize, grid.height - y)};
  for (int c = 0; c < kMostChannels; ++c) tile.plane[c] = blend_room<Real>().plane(c);
  return tile;
}

// The same splats with the colours of a part's channels.
template <class Real>
BlendList<Real> colours_of(BlendList<Real> list, const Part& part) {
  list.colours += part.first;
  return list;
}

// The samples from a tile's first pixel and a part's first channel on.
template <class Real, class Sample>
Samples<Sample> samples_at(const Samples<Sample>& picture, const BlendTile<Real>& tile, const Part& part) {
  Samples<Sample> samples = picture;
  samples.first += tile.y * picture.row + tile.x * picture.column + part.first * picture.channel;
  return samples;
}

// A part's channels of a tile of the picture.
template <class Real>
void draw_part(const BlendList<Real>& list, const BlendTile<Real>& tile, int channels, const BlendSpec& spec) {
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
void clear(const BlendList<Real>& list, size_t first, const BlendSlots<Real>& slots) {
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

// The sums of all splats of a tile of which the cotangent is given, to its slots.
template <class Real>
void gather(const BlendList<Real>& all, const BlendTile<Real>& tile, const BlendSpec& spec, int channels,
            const Samples<const Real>& cotangent, BlendSlots<Real> slots) {
  const BlendKernels<Real>& kernels = blend_kernels<Real>();
  std::optional<Layers<Real>> layers = prepare(all, tile, spec.blend);
  const std::vector<Part> parts = parts_of(channels);
  slots.fresh = spec.blend != Blend::kStrongest && parts.size() == 1;
  clear(all, !slots.fresh ? 0 : layers ? layers->seen() : all.count, slots);
  for (const Part& part : parts) {
    const BlendList<Real> list = colours_of(all, part);
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
Scene<Real>::Scene(const Gaussians<Real>& gaussians, const BlendSpec& spec, const Parallel& parallel)
    : gaussians_(gaussians),
      spec_(spec),
      grid_(spec.width, spec.height, 0),
      splats_(placed(gaussians, spec.blend, parallel)) {
  if (grid_.count() > 0) bins_.fill(grid_, splats_, parallel);
}

template <class Real>
BlendList<Real> Scene<Real>::list(size_t tile) const {
  const TileIds list = bins_.list(tile);
  return {splats_.data(), gaussians_.colours, static_cast<size_t>(gaussians_.channels),
          list.ids,       list.slots,         list.count};
}

template <class Real>
void Scene<Real>::draw(Real* picture, const Parallel& parallel) const {
  const ptrdiff_t channels = gaussians_.channels;
  const Samples<Real> samples{picture, channels * spec_.width, channels, 1};
  parallel.for_each(grid_.count(), [&](size_t index) {
    const BlendTile<Real> tile = tile_at<Real>(grid_, index);
    const BlendList<Real> all = list(index);
    if (spec_.blend == Blend::kStrongest) blend_room<Real>().squares.sort(all, tile);
    for (const Part& part : parts_of(gaussians_.channels)) {
      draw_part(colours_of(all, part), tile, part.count, spec_);
      blend_kernels<Real>().write[part.count - 1](tile, samples_at(samples, tile, part));
    }
  });
}

template <class Real>
void Scene<Real>::vjp(const Samples<const Real>& cotangent, const GaussianGradients<Real>& gradients,
                      const Parallel& parallel) const {
  if (grid_.count() == 0) {
    for_splats(gaussians_.count, parallel, [&](size_t i) { no_gradient(gaussians_, i, gradients); });
    return;
  }
  const size_t stride = kMoments + static_cast<size_t>(gaussians_.channels);
  Slots<Real> room(bins_.pairs() * stride);
  const BlendSlots<Real> slots{room.data(), stride, kMoments, false};
  parallel.for_each(grid_.count(), [&](size_t index) {
    gather(list(index), tile_at<Real>(grid_, index), spec_, gaussians_.channels, cotangent, slots);
  });
  for_sums(gaussians_.count, bins_, slots.numbers, stride, stride, parallel, [&](size_t i, const double* sums) {
    if (splats_[i].x_extent > 0) {
      chain_rule(gaussians_, spec_.blend, i, sums, sums + kMoments, gradients);
    } else {
      no_gradient(gaussians_, i, gradients);
    }
  });
}

template class Scene<float>;
template class Scene<double>;

}  // namespace smartsplat
