// The kernels that blend Gaussians in any number of channels, as tables of functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rendering/pixel_splat.h"

namespace smartsplat {

constexpr int kMostChannels = 4;  // that a kernel works on; pictures of more go through in parts

// The first plane is that of the part's first channel.
template <class Real>
using BlendTile = TileOf<Real, kMostChannels>;

// A picture in memory; distances in samples.
template <class Real>
struct Samples {
  Real* first;
  ptrdiff_t row, column, channel;
};

// Splats that touch a tile, in the order of their indices.
template <class Real>
struct BlendList {
  const PlacedSplat<Real>* splats;  // whose strengths are opacities, or their binary logarithms for kStrongest
  const Real* colours;              // of the part's first channel
  size_t pitch;                     // from colour to colour
  const uint32_t* ids;
  const uint32_t* slots;
  size_t count;
};

// Where the sums of a splat over a tile go: slot i begins at numbers + i * stride.
template <class Real>
struct BlendSlots {
  Real* numbers;
  size_t stride;
  size_t colour;  // place of the sum of the part's first channel in a slot, after the moments
  bool fresh;     // what is there is overwritten, not added to
};

// Moments in a slot, u being a value at each pixel and y = dy - slope dx: u dx, u y, u dx^2, u dx y, u y^2, and u
// itself. The sums of the channels come after these.
enum Moment { kMomentX, kMomentY, kMomentXX, kMomentXY, kMomentYY, kMomentOne, kMoments };

// How many splats were taken, and whether nothing can be seen behind them.
struct Descent {
  size_t taken;
  bool opaque;
};

constexpr int kMixSize = 16;  // px; squares of a tile in which the strongest splats are looked for

// Those of a list that reach a square, as places in the list in ascending order.
template <class Real>
struct MixList {
  BlendList<Real> all;
  const uint32_t* members;
  size_t count;
};

// Memory for that many.
template <class Real>
struct MixRoom {
  Real* numbers;   // room_for_mix()
  uint16_t* rows;  // one for each
  uint64_t* bits;  // two for each
};

// For parts of C channels, C - 1 being the index.
template <class Real>
struct BlendKernels {
  template <class Function>
  using ByChannels = Function[kMostChannels];

  // The tile from and to a picture, whose first sample is that of the tile. Reading fills the planes with zeros up to
  // the next multiple of 16 columns.
  ByChannels<void (*)(const BlendTile<Real>&, const Samples<const Real>&)> read;
  ByChannels<void (*)(const BlendTile<Real>&, const Samples<Real>&)> write;

  // Blend::kSum. `gather`: u = weight <colour, plane>, channels: weight * plane.
  ByChannels<void (*)(const BlendList<Real>&, const BlendTile<Real>&)> add;
  ByChannels<void (*)(const BlendList<Real>&, const BlendTile<Real>&, const BlendSlots<Real>&)> gather;

  // Blend::kOver. `through`, of a tile's size, is what the splats so far let through; what all of them do is left
  // there. Returns how many splats were taken: behind what is opaque there is nothing to see.
  ByChannels<size_t (*)(const BlendList<Real>&, const BlendTile<Real>&, Real* through)> cover;
  // The same without a picture. What each splat's pixels get is put into `kept`, in the order in which they are
  // walked, that of splat i from starts[i] on. Ends as well where `kept` of `room` numbers might not hold another
  // splat.
  Descent (*descend)(const BlendList<Real>&, const BlendTile<Real>&, Real* through, Real* kept, size_t room,
                     size_t* starts);
  // From the last to the first. `behind`, of a tile's size, is <plane, what is seen behind a splat>.
  // u = weight through (<colour, plane> - behind), channels: weight through plane.
  ByChannels<void (*)(const BlendList<Real>&, const BlendTile<Real>&, const Real* kept, const size_t* starts,
                      Real* behind, const BlendSlots<Real>&)>
      uncover;

  // Blend::kStrongest, in a square of a tile, of kMixSize px at most. u = share (<colour, plane> - <picture, plane>),
  // channels: share plane, the share of a splat being its strength times its weight over the sum of the k strongest
  // and kShareFloor.
  ByChannels<void (*)(const MixList<Real>&, const BlendTile<Real>&, int k, const MixRoom<Real>&)> mix;
  ByChannels<void (*)(const MixList<Real>&, const BlendTile<Real>&, int k, const MixRoom<Real>&,
                      const BlendSlots<Real>&)>
      unmix;
};

// Numbers in a MixRoom for that many splats.
constexpr size_t room_for_mix(size_t splats, int k) {
  constexpr size_t kVector = 16, kNumbers = 6 + kMostChannels, kVectors = 3 + kMixSize;  // of each splat
  return splats * (kNumbers + kVector * kVectors) + kVector * (static_cast<size_t>(k) + 2 * kMixSize + kNumbers);
}

constexpr double kShareFloor = 1e-4;         // as in Image-GS
constexpr double kLeastStrength = 1e-8;      // products of opacity and weight below this are nothing to kStrongest
constexpr double kOpaque = 1.0 / (1 << 23);  // what gets less than this through a pixel cannot be seen

struct BlendTable {
  const char* name;
  BlendKernels<float> floats;
  BlendKernels<double> doubles;
};

// The table of the instruction set that kernels() uses.
const BlendTable& blend_table();

template <class Real>
const BlendKernels<Real>& blend_kernels();
template <>
inline const BlendKernels<float>& blend_kernels() {
  return blend_table().floats;
}
template <>
inline const BlendKernels<double>& blend_kernels() {
  return blend_table().doubles;
}

}  // namespace smartsplat
