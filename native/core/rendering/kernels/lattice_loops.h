// The lattice under a tile: its sums, and the transposed sums for fitting it.
#pragma once

#include "common/simd.h"
#include "lattice/axis_weights.h"
#include "rendering/pixel_splat.h"

namespace {

using smartsplat::AxisWeights;
using smartsplat::LatticeTile;
using smartsplat::Tile;

inline const float* weights_of(const AxisWeights& axis, int node) {
  return axis.weights + static_cast<size_t>(node) * static_cast<size_t>(axis.stride);
}

constexpr int kPair = 2 * kLanes;  // pixels whose sums stay in registers

// Adds up nodes along x: out(x) for the tile's pixels, in whole pairs of vectors.
inline void spread_row(const LatticeTile& lattice, const Tile& tile, const float* nodes, float* out) {
  int begin = lattice.first_column;
  for (int x = 0; x < tile.width; x += kPair) {
    const int from = tile.x + x;
    while (begin < lattice.end_column && lattice.x.first[begin] + lattice.x.taps <= from) ++begin;
    vf left = {}, right = {};
    for (int i = begin; i < lattice.end_column && lattice.x.first[i] < from + kPair; ++i) {
      const int offset = from - lattice.x.first[i];
      const float* weights = weights_of(lattice.x, i) + offset;
      const vf value = splat(nodes[i]);
      if (offset > -kLanes) left += value * load_unaligned(weights);
      if (offset + kLanes < lattice.x.taps) right += value * load_unaligned(weights + kLanes);
    }
    store(out + x, left);
    store(out + x + kLanes, right);
  }
}

inline int floor_divide(int a, int b) { return (a >= 0 ? a : a - b + 1) / b; }

// The same where all nodes have the same weights and are kPitch pixels apart: pixels of equal phase see
// neighbouring nodes with equal weights, so that whole vectors of nodes are added up, two at a time.
template <int kPitch>
inline void spread_even_row(const LatticeTile& lattice, const Tile& tile, const float* nodes, float* out) {
  const AxisWeights& axis = lattice.x;
  const int base = floor_divide(tile.x - axis.even_first - axis.taps + 1, kPitch) - 1;
  const int room = tile.width / kPitch + axis.taps + 2 * kLanes;
  const float* source = nodes + base;
  alignas(64) float padded[smartsplat::kWidestTile + smartsplat::kMostEvenTaps + 2 * kLanes];
  // Only at the border: a vector that is read right after its parts were written has to wait for them.
  if (base < 0 || base + room > lattice.columns) {
    std::memset(padded, 0, sizeof padded);
    const int low = base > 0 ? base : 0, high = base + room < lattice.columns ? base + room : lattice.columns;
    if (low < high) std::memcpy(padded + (low - base), nodes + low, sizeof(float) * static_cast<size_t>(high - low));
    source = padded;
  }
  for (int x = 0; x < tile.width; x += kPair) {
    vf totals[2] = {};
    const float *from[2], *weights[2];
    for (int i = 0; i < 2; ++i) {  // the two phases, or the two vectors of the only one
      const int offset = tile.x + x + (kPitch == 2 ? i : i * kLanes) - axis.even_first;
      const int node = floor_divide(offset, kPitch);
      from[i] = source + (node - base);
      weights[i] = axis.even + (offset - node * kPitch);
    }
    for (int tap = 0, back = 0; tap < axis.taps; tap += kPitch, ++back) {
      for (int i = 0; i < 2; ++i) totals[i] += weights[i][tap] * load_unaligned(from[i] - back);
    }
    alignas(64) float sums[2][kLanes];
    for (int i = 0; i < 2; ++i) store(kPitch == 2 ? sums[i] : out + x + i * kLanes, totals[i]);
    for (int k = 0; kPitch == 2 && k < kLanes; ++k) {
      out[x + 2 * k] = sums[0][k];
      out[x + 2 * k + 1] = sums[1][k];
    }
  }
}

// kVectors vectors of a row of the tile, from the weighted rows [first, end) of `spread`.
template <int kVectors>
inline void add_part(const LatticeTile& lattice, int y, int first, int end, const float* spread, float* out) {
  vf totals[kVectors];
  for (int v = 0; v < kVectors; ++v) totals[v] = load(out + v * kLanes);
  for (int j = first; j < end; ++j) {
    const vf weight = splat(weights_of(lattice.y, j)[y - lattice.y.first[j]]);
    const float* row = spread + static_cast<size_t>(j - lattice.first_row) * smartsplat::kWidestTile;
    for (int v = 0; v < kVectors; ++v) totals[v] += weight * load(row + v * kLanes);
  }
  for (int v = 0; v < kVectors; ++v) store(out + v * kLanes, totals[v]);
}

// A row of the tile, of which `spread` holds the rows of nodes one after the other.
inline void add_rows(const LatticeTile& lattice, const Tile& tile, int y, int first, const float* spread, float* out) {
  constexpr int kQuad = 2 * kPair;
  int end = first;
  while (end < lattice.end_row && lattice.y.first[end] <= tile.y + y) ++end;
  int x = 0;
  for (; x < tile.width && x + kQuad <= smartsplat::kWidestTile; x += kQuad) {
    add_part<4>(lattice, tile.y + y, first, end, spread + x, out + x);
  }
  for (; x < tile.width; x += kPair) add_part<2>(lattice, tile.y + y, first, end, spread + x, out + x);
}

using Spread = void (*)(const LatticeTile&, const Tile&, const float*, float*);

inline Spread spread_for(const AxisWeights& axis) {
  if (!axis.even) return spread_row;
  return axis.pitch == 1 ? spread_even_row<1> : spread_even_row<2>;
}

// Asks for the nodes of a row before they are needed: rows are too far apart for the processor to foresee.
// Inline, as all functions that do nothing else: GCC leaves out calls of them, for they seem to have no effect.
[[gnu::always_inline]] inline void prefetch_row(const LatticeTile& lattice, int channel, int row) {
  const float* nodes = lattice.values[channel] + static_cast<size_t>(row) * static_cast<size_t>(lattice.stride);
  for (int i = lattice.first_column; i < lattice.end_column + 16; i += 16) __builtin_prefetch(nodes + i);
}

// The rows of nodes that a row of pixels sees, and their weights.
struct SeenRows {
  SeenRows(const LatticeTile& lattice, int y) {
    const int from = lattice.y.dense_first[y], to = from + lattice.y.dense_count[y];
    first = from > lattice.first_row ? from : lattice.first_row;
    end = to < lattice.end_row ? to : lattice.end_row;
    const size_t taps = static_cast<size_t>(lattice.y.dense_taps);
    weights = lattice.y.dense + static_cast<size_t>(y) * taps + (first - from);
  }
  int first, end;
  const float* weights;
};

// kVectors vectors of the weighted sums of such rows; the last one may be cut off after `last` nodes.
template <int kVectors, class Load>
inline void sum_rows(const SeenRows& seen, const float* nodes, size_t stride, float* sums, Load load_nodes) {
  vf totals[kVectors] = {};
  const float* weight = seen.weights;
  for (int j = seen.first; j < seen.end; ++j, nodes += stride) {
    const vf value = splat(*weight++);
    for (int v = 0; v < kVectors; ++v) totals[v] += value * load_nodes(nodes + v * kLanes);
  }
  for (int v = 0; v < kVectors; ++v) store(sums + v * kLanes, totals[v]);
}

// Weighted sums of the columns of nodes that the tile sees, at one row of pixels.
inline void sum_columns(const LatticeTile& lattice, int channel, int y, float* sums) {
  constexpr int kVectors = 4;
  const SeenRows seen(lattice, y);
  const size_t stride = static_cast<size_t>(lattice.stride);
  const float* const nodes = lattice.values[channel] + static_cast<size_t>(seen.first) * stride + lattice.first_column;
  const int count = lattice.end_column - lattice.first_column;
  const auto whole = [](const float* from) { return load_unaligned(from); };
  int i = 0;
  for (; i + kVectors * kLanes <= count; i += kVectors * kLanes) {
    sum_rows<kVectors>(seen, nodes + i, stride, sums + i, whole);
  }
  for (; i + kLanes <= count; i += kLanes) sum_rows<1>(seen, nodes + i, stride, sums + i, whole);
  const int left = count - i;  // what lies beyond may be nobody's memory
  sum_rows<1>(seen, nodes + i, stride, sums + i, [left](const float* from) { return load_first(from, left); });
}

// Asks for the rows of nodes that a row of pixels is the first to see.
[[gnu::always_inline]] inline void prefetch_rows(const LatticeTile& lattice, int channel, int y) {
  const int seen = y > 0 ? lattice.y.dense_first[y - 1] + lattice.y.dense_count[y - 1] : 0;
  const int end = lattice.y.dense_first[y] + lattice.y.dense_count[y];
  for (int j = seen; j < end; ++j) prefetch_row(lattice, channel, j);
}

constexpr int kDensePixels = 8;

// Adds what kCount pixels of a row see of such sums, behind which there are zeros.
template <int kCount>
inline void add_dense_pixels(const LatticeTile& lattice, size_t pixel, const float* sums, float* out) {
  const AxisWeights& axis = lattice.x;
  const size_t taps = static_cast<size_t>(axis.dense_taps);
  const float* weights = axis.dense + pixel * taps;
  const int32_t* first = axis.dense_first + pixel;
  vf totals[kCount];
  for (int k = 0; k < kCount; ++k) {
    const int offset = first[k] - lattice.first_column;
    const float* from = sums + (offset > 0 ? offset : 0);  // a pixel that sees nothing
    totals[k] = load_unaligned(from) * load_unaligned(weights + static_cast<size_t>(k) * taps);
    for (size_t tap = kLanes; tap < taps; tap += kLanes) {
      totals[k] += load_unaligned(from + tap) * load_unaligned(weights + static_cast<size_t>(k) * taps + tap);
    }
  }
  float row[kCount];
  sums_of(totals, row);
  for (int k = 0; k < kCount; ++k) out[k] += row[k];
}

inline void add_dense_row(const LatticeTile& lattice, const Tile& tile, const float* sums, float* out) {
  const size_t begin = static_cast<size_t>(tile.x), width = static_cast<size_t>(tile.width);
  size_t x = 0;
  for (; x + kDensePixels <= width; x += kDensePixels) {
    add_dense_pixels<kDensePixels>(lattice, begin + x, sums, out + x);
  }
  for (; x < width; ++x) add_dense_pixels<1>(lattice, begin + x, sums, out + x);
}

// Where there are more nodes than pixels: columns first, so that the many nodes are only gone through along rows. Some
// rows at a time, for what has just been written in whole vectors cannot be read at once at other places.
inline void add_any_dense(const LatticeTile& lattice, const Tile& tile, float* sums, size_t size) {
  constexpr int kRows = smartsplat::kDenseRows;
  constexpr int kAhead = 3;  // rows of pixels
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < tile.height; y += kRows) {
      const int rows = tile.height - y < kRows ? tile.height - y : kRows;
      for (int k = 0; k < rows; ++k) {
        if (y + k + kAhead < tile.height) prefetch_rows(lattice, c, tile.y + y + k + kAhead);
        sum_columns(lattice, c, tile.y + y + k, sums + static_cast<size_t>(k) * size);
      }
      for (int k = 0; k < rows; ++k) {
        add_dense_row(lattice, tile, sums + static_cast<size_t>(k) * size,
                      tile.plane[c] + static_cast<size_t>(y + k) * tile.stride);
      }
    }
  }
}

// Where in the sums of columns the taps of the tile's first pixel begin.
inline int shared_begin(const LatticeTile& lattice, const Tile& tile) {
  return lattice.x.shared_first + tile.x * lattice.x.ratio - lattice.first_column;
}

// Pixels whose nodes a row of them looks at, in whole pairs of vectors.
inline int shared_pixels(const LatticeTile& lattice, const Tile& tile) {
  return (tile.width + kPair - 1) / kPair * kPair + smartsplat::shared_groups(lattice.x.ratio);
}

// Whether pixels share their weights and all taps are within the sums and the zeros around.
inline bool is_shared(const LatticeTile& lattice, const Tile& tile, size_t size) {
  if (!lattice.x.shared || !lattice.y.shared || lattice.x.ratio != lattice.y.ratio) return false;
  const int begin = shared_begin(lattice, tile), end = begin + lattice.x.ratio * shared_pixels(lattice, tile);
  return begin >= -smartsplat::kDenseMargin && end <= static_cast<int>(size) - smartsplat::kDenseMargin;
}

// The rows of nodes of a row of pixels, and the rows of sums that they are added to: of this row of pixels, which is
// begun by it, and of those above.
template <int kRatio>
struct NodeGroup {
  static constexpr int kGroups = smartsplat::shared_groups(kRatio);
  const float* nodes[kRatio];
  float weights[kGroups][kRatio];
  float* sums[kGroups];

  template <class Load>
  void add(int i, Load load_nodes) const {
    vf values[kRatio];
    for (int r = 0; r < kRatio; ++r) values[r] = load_nodes(nodes[r] + i);
    for (int g = 0; g < kGroups; ++g) {
      vf total = g == 0 ? vf{} : load(sums[g] + i);
      for (int r = 0; r < kRatio; ++r) total += weights[g][r] * values[r];
      store(sums[g] + i, total);
    }
  }
};

// That of row y of the tile's pixels. The last row of `sums` takes what no pixel of the tile wants.
template <int kRatio>
inline NodeGroup<kRatio> group_at(const LatticeTile& lattice, const Tile& tile, int channel, int y, float* sums,
                                  size_t size) {
  NodeGroup<kRatio> group;
  const int first = lattice.y.shared_first + (tile.y + y) * kRatio;
  for (int r = 0; r < kRatio; ++r) {
    const int row = first + r;
    const bool exists = row >= lattice.first_row && row < lattice.end_row;
    group.nodes[r] = lattice.values[channel] + lattice.first_column +
                     static_cast<size_t>(exists ? row : lattice.first_row) * static_cast<size_t>(lattice.stride);
    for (int g = 0; g < group.kGroups; ++g) group.weights[g][r] = exists ? lattice.y.shared[g * kRatio + r] : 0;
  }
  for (int g = 0; g < group.kGroups; ++g) {
    const bool wanted = y >= g && y - g < tile.height;
    const int at = wanted ? (y - g) % (2 * smartsplat::kDenseRows) : smartsplat::kDenseSums - 1;
    group.sums[g] = sums + static_cast<size_t>(at) * size;
  }
  return group;
}

// Each node is read once, in the order of memory, which keeps up with reading alone: what is seen by several rows of
// pixels was fetched again and again, as rows are apart by what caches take for the same place.
template <int kRatio>
inline void add_group(const NodeGroup<kRatio>& group, int count) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) group.add(i, [](const float* from) { return load_unaligned(from); });
  const int left = count - i;  // what lies beyond may be nobody's memory
  if (left > 0) group.add(i, [left](const float* from) { return load_first(from, left); });
}

// Asks for the nodes of row y of a tile that has so many rows, or of the next channel where there are no more.
[[gnu::always_inline]] inline void prefetch_group(const LatticeTile& lattice, const Tile& tile, int channel, int y,
                                                  int rows) {
  if (y >= rows && channel == 2) return;
  const int ratio = lattice.y.ratio, first = lattice.y.shared_first + (tile.y + (y < rows ? y : y - rows)) * ratio;
  for (int row = first; row < first + ratio; ++row) {
    if (row < lattice.first_row || row >= lattice.end_row) continue;
    prefetch_row(lattice, y < rows ? channel : channel + 1, row);
  }
}

// The sums of a row by their nodes' places within a pixel: of each place, those of one pixel after the other.
template <int kRatio>
struct Places {
  void take(const float* sums, int pixels) {
    for (int i = 0; i < pixels; ++i) {
      for (int place = 0; place < kRatio; ++place) row[place][i] = sums[kRatio * i + place];
    }
  }
  alignas(64) float row[kRatio][smartsplat::kWidestTile + kPair];
};

// Adds what a row of pixels sees of them: neighbouring pixels see neighbours of each place with the same weight.
template <int kRatio>
inline void add_places(const float* weights, const Places<kRatio>& places, int width, float* out) {
  for (int x = 0; x < width; x += kPair) {
    vf left = load(out + x), right = load(out + x + kLanes);
    for (int group = 0; group < smartsplat::shared_groups(kRatio); ++group) {
      for (int place = 0; place < kRatio; ++place) {
        const vf weight = splat(weights[group * kRatio + place]);
        const float* nodes = places.row[place] + x + group;
        left += weight * load_unaligned(nodes);
        right += weight * load_unaligned(nodes + kLanes);
      }
    }
    store(out + x, left);
    store(out + x + kLanes, right);
  }
}

// Adds what some rows of pixels see of their sums. First all are sorted, then added up: see add_any_dense().
template <int kRatio>
inline void add_shared_rows(const LatticeTile& lattice, const Tile& tile, int rows, const float* sums, size_t size,
                            float* out) {
  Places<kRatio> places[smartsplat::kDenseRows];
  const int begin = shared_begin(lattice, tile), pixels = shared_pixels(lattice, tile);
  for (int k = 0; k < rows; ++k) places[k].take(sums + static_cast<ptrdiff_t>(size) * k + begin, pixels);
  for (int k = 0; k < rows; ++k) {
    add_places<kRatio>(lattice.x.shared, places[k], tile.width, out + static_cast<size_t>(k) * tile.stride);
  }
}

// Where all pixels have the same weights.
template <int kRatio>
inline void add_shared(const LatticeTile& lattice, const Tile& tile, float* sums, size_t size) {
  constexpr int kRows = smartsplat::kDenseRows, kLast = smartsplat::shared_groups(kRatio) - 1;
  constexpr int kAhead = 12 / kRatio;  // rows of pixels
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < tile.height + kLast; ++y) {
      prefetch_group(lattice, tile, c, y + kAhead, tile.height + kLast);
      add_group(group_at<kRatio>(lattice, tile, c, y, sums, size), lattice.end_column - lattice.first_column);
      const int done = y - kLast + 1;  // rows of pixels
      if (done <= 0 || (done % kRows > 0 && done < tile.height)) continue;
      const int begin = (done - 1) / kRows * kRows;
      add_shared_rows<kRatio>(lattice, tile, done - begin, sums + static_cast<size_t>(begin % (2 * kRows)) * size, size,
                              tile.plane[c] + static_cast<size_t>(begin) * tile.stride);
    }
  }
}

void add_dense_lattice(const LatticeTile& lattice, const Tile& tile, float* scratch) {
  const size_t count = static_cast<size_t>(lattice.end_column - lattice.first_column);
  const size_t size = smartsplat::dense_row_floats(count, static_cast<size_t>(lattice.x.dense_taps));
  std::memset(scratch, 0, sizeof(float) * smartsplat::kDenseSums * size);
  float* const sums = scratch + smartsplat::kDenseMargin;
#ifndef __wasm__  // decoders for browsers have to be small: these loops have 5 KB
  if (is_shared(lattice, tile, size)) {
    lattice.x.ratio == 2 ? add_shared<2>(lattice, tile, sums, size) : add_shared<4>(lattice, tile, sums, size);
    return;
  }
#endif
  add_any_dense(lattice, tile, sums, size);
}

void add_lattice(const LatticeTile& lattice, const Tile& tile, float* scratch) {
  constexpr int kAhead = 10;  // rows
  if (lattice.first_column >= lattice.end_column || lattice.first_row >= lattice.end_row) return;
  if (is_dense(lattice)) {
    add_dense_lattice(lattice, tile, scratch);
    return;
  }
  const Spread spread = spread_for(lattice.x);
  for (int c = 0; c < 3; ++c) {
    for (int j = lattice.first_row; j < lattice.end_row; ++j) {
      const int ahead = j + kAhead < lattice.end_row ? j + kAhead : lattice.first_row + (j + kAhead - lattice.end_row);
      if (ahead < lattice.end_row && (ahead > j || c < 2)) prefetch_row(lattice, ahead > j ? c : c + 1, ahead);
      const float* nodes = lattice.values[c] + static_cast<size_t>(j) * static_cast<size_t>(lattice.stride);
      spread(lattice, tile, nodes, scratch + static_cast<size_t>(j - lattice.first_row) * smartsplat::kWidestTile);
    }
    int first = lattice.first_row;
    for (int y = 0; y < tile.height; ++y) {
      while (first < lattice.end_row && lattice.y.first[first] + lattice.y.taps <= tile.y + y) ++first;
      add_rows(lattice, tile, y, first, scratch, tile.plane[c] + static_cast<size_t>(y) * tile.stride);
    }
  }
}

// The sum over the tile's rows of a row of nodes' weights times the plane.
inline void gather_rows(const LatticeTile& lattice, const Tile& tile, int j, const float* plane, float* out) {
  const int padded = (tile.width + kLanes - 1) / kLanes * kLanes;
  std::memset(out, 0, sizeof(float) * static_cast<size_t>(padded));
  const int begin = lattice.y.first[j] - tile.y, end = begin + lattice.y.taps;
  for (int y = begin > 0 ? begin : 0; y < tile.height && y < end; ++y) {
    const vf weight = splat(weights_of(lattice.y, j)[y - begin]);
    const float* from = plane + static_cast<size_t>(y) * tile.stride;
    for (int x = 0; x < padded; x += kLanes) store(out + x, load(out + x) + weight * load(from + x));
  }
}

// sums[c][j][i], from the tile's first node on, = the sum over the tile of the nodes' weights times the planes,
// which must be zero from the tile's width on.
void gather_lattice(const LatticeTile& lattice, const Tile& tile, float* sums) {
  alignas(64) float row[smartsplat::kWidestTile];
  const int padded = (tile.width + kLanes - 1) / kLanes * kLanes;
  for (int c = 0; c < 3; ++c) {
    for (int j = lattice.first_row; j < lattice.end_row; ++j) {
      gather_rows(lattice, tile, j, tile.plane[c], row);
      for (int i = lattice.first_column; i < lattice.end_column; ++i) {
        const int begin = lattice.x.first[i] - tile.x, end = begin + lattice.x.taps;
        vf total = {};
        for (int x = begin > 0 ? begin / kLanes * kLanes : 0; x < padded && x < end; x += kLanes) {
          total += load(row + x) * load_unaligned(weights_of(lattice.x, i) + (x - begin));
        }
        *sums++ = sum(total);
      }
    }
  }
}

}  // namespace
