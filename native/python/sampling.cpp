#include <nanobind/stl/pair.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "python/arrays.h"
#include "python/faces.h"
#include "sampling/colour.h"
#include "sampling/density.h"
#include "sampling/draw.h"
#include "sampling/features.h"

namespace smartsplat {
namespace {

using namespace nb::literals;
using namespace sampling;

using Planes = ArrayIn<uint8_t, 3>;  // [3, H, W]
using Starts = ArrayIn<int32_t, 1>;

Picture picture_of(const Planes& planes) {
  require(planes.shape(0) == 3 && planes.shape(1) > 0 && planes.shape(2) > 0, "planes must have the shape (3, H, W)");
  return {planes.data(), static_cast<int>(planes.shape(2)), static_cast<int>(planes.shape(1))};
}

// Tiles of one group are worked on at once, so those two places apart must not overlap.
bool good_starts(const Starts& starts, int size, int length) {
  const size_t n = starts.shape(0);
  if (n == 0 || size < 1 || starts(0) < 0 || starts(n - 1) > length - size) return false;
  for (size_t i = 1; i < n; ++i) {
    if (starts(i) < starts(i - 1) || (i > 1 && starts(i) < starts(i - 2) + size)) return false;
  }
  return true;
}

Tiling tiling_of(const Picture& picture, const Starts& tops, const Starts& lefts, int height, int width) {
  require(good_starts(tops, height, picture.height) && good_starts(lefts, width, picture.width),
          "tiles must lie in the picture, in order, and only neighbours may overlap");
  return {tops.data(), lefts.data(), static_cast<int>(tops.shape(0)), static_cast<int>(lefts.shape(0)), width, height};
}

NewArray<float> bind_tile_weights(const Planes& planes, int x, int y, int width, int height, float lambda_m) {
  const Picture picture = picture_of(planes);
  require(x >= 0 && y >= 0 && width > 0 && height > 0 && x <= picture.width - width && y <= picture.height - height,
          "the tile must lie in the picture");
  const Tile tile{x, y, width, height};
  NewArray<float> out = new_array<float>({static_cast<size_t>(height), static_cast<size_t>(width)});
  without_gil(1, [&](const Parallel&) {
    TileWeights room(tile.size());
    std::copy_n(room.compute(picture, tile, lambda_m), tile.size(), out.data());
  });
  return out;
}

NewArray<float> bind_feature_map(const Planes& planes, const Starts& tops, const Starts& lefts, int height, int width,
                                 float lambda_m, int threads) {
  const Picture picture = picture_of(planes);
  const Tiling tiling = tiling_of(picture, tops, lefts, height, width);
  NewArray<float> out = new_array<float>({planes.shape(1), planes.shape(2)});
  without_gil(threads, [&](const Parallel& parallel) { feature_map(picture, tiling, lambda_m, out.data(), parallel); });
  return out;
}

std::pair<NewArray<float>, NewArray<float>> bind_draw_points(const Planes& planes, const Starts& tops,
                                                             const Starts& lefts, int height, int width,
                                                             const ArrayIn<int64_t, 1>& counts, float lambda_m,
                                                             uint64_t seed, int threads) {
  const Picture picture = picture_of(planes);
  const Tiling tiling = tiling_of(picture, tops, lefts, height, width);
  const int64_t *first = counts.data(), *last = first + counts.shape(0);
  require(counts.shape(0) == tiling.size() && std::all_of(first, last, [](int64_t n) { return n >= 0; }),
          "there must be one count for each tile, none negative");
  const size_t total = static_cast<size_t>(std::accumulate(first, last, int64_t{0}));
  NewArray<float> centres = new_array<float>({total, 2}), weights = new_array<float>({total});
  without_gil(threads, [&](const Parallel& parallel) {
    draw_points(picture, tiling, first, lambda_m, seed, centres.data(), weights.data(), parallel);
  });
  return {centres, weights};
}

NewArray<float> bind_median_colours(const Planes& planes, const ArrayIn<float, 2>& centres,
                                    const ArrayIn<float, 1>& scales, int threads) {
  const Picture picture = picture_of(planes);
  require(centres.shape(1) == 2 && centres.shape(0) == scales.shape(0),
          "centres must have the shape (n, 2), and scales (n,)");
  NewArray<float> out = new_array<float>({scales.shape(0), 3});
  without_gil(threads, [&](const Parallel& parallel) {
    median_colours(picture, centres.data(), scales.data(), scales.shape(0), out.data(), parallel);
  });
  return out;
}

NewArray<double> bind_sample_density(const ArrayIn<float, 2>& weights, size_t count, uint64_t seed, int threads) {
  require(weights.shape(0) > 0 && weights.shape(1) > 0, "weights must not be empty");
  const int height = static_cast<int>(weights.shape(0)), width = static_cast<int>(weights.shape(1));
  NewArray<double> out = new_array<double>({count, 2});
  without_gil(threads, [&](const Parallel& parallel) {
    sample_density(weights.data(), height, width, count, seed, out.data(), parallel);
  });
  return out;
}

}  // namespace

void bind_sampling(nb::module_& m) {
  m.def("tile_weights", &bind_tile_weights, "planes"_a, "x"_a, "y"_a, "width"_a, "height"_a, "lambda_m"_a);
  m.def("feature_map", &bind_feature_map, "planes"_a, "tops"_a, "lefts"_a, "height"_a, "width"_a, "lambda_m"_a,
        "threads"_a = 0);
  m.def("draw_points", &bind_draw_points, "planes"_a, "tops"_a, "lefts"_a, "height"_a, "width"_a, "counts"_a,
        "lambda_m"_a, "seed"_a, "threads"_a = 0);
  m.def("median_colours", &bind_median_colours, "planes"_a, "centres"_a, "scales"_a, "threads"_a = 0);
  m.def("sample_density", &bind_sample_density, "weights"_a, "count"_a, "seed"_a, "threads"_a = 0);
}

}  // namespace smartsplat
