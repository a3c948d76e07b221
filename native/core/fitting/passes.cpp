#include "fitting/passes.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/memory.h"
#include "fitting/ssim_loss.h"
#include "rendering/slots.h"

namespace smartsplat {
namespace {

size_t slot_floats(const Frame& frame) { return frame.pairs() * kSlotFloats; }

// Calls write(splat, sums) with the first `count` sums of every splat over all its tiles.
template <class Write>
void for_sums(const Frame& frame, const float* slots, size_t count, const Parallel& parallel, Write write) {
  for_sums(frame.size(), frame.bins(), slots, kSlotFloats, count, parallel, write);
}

// Gathers all sums of planes that fill(list, tile) makes, and chains them to the parameters.
template <class Fill>
void product_of(const Frame& frame, Fill fill, float* product, const Parallel& parallel) {
  Slots<float> room(slot_floats(frame));
  float* const slots = room.data();
  parallel.for_each(frame.grid().count(), [&](size_t index) {
    const Tile tile = tile_at(frame.grid(), index);
    const TileList list = frame.bins().list(index, frame.splats());
    fill(list, tile);
    clear_margin(tile);
    kernels().gather(list, tile, slots);
  });
  for_sums(frame, slots, kSlotFloats, parallel, [&](size_t i, const double* sums) {
    chain_rule(sums, frame.splats()[i], frame.axes()[i], product + i * kParameters);
  });
}

// The tile of a picture [height][width][3] of the view's size.
void read_cotangent(const Frame& frame, const float* cotangent, const Tile& tile) {
  const size_t stride = 3 * static_cast<size_t>(frame.view().width);
  const size_t first = static_cast<size_t>(tile.y) * stride + 3 * static_cast<size_t>(tile.x);
  kernels().from_floats(tile, cotangent + first, stride);
}

// Multiplies the tile's planes by the weights; returns the sum over it of the planes' squares times weights, before.
double weigh(const Frame& frame, const CellWeights& weights, const Tile& tile) {
  const int columns = (frame.view().width + kCellSize - 1) / kCellSize;
  float factors[kTileSize], squares[kTileSize];
  double total = 0;
  for (int top = 0; top < tile.height; top += kCellSize) {
    const float* const cells =
        weights.cells + static_cast<ptrdiff_t>((tile.y + top) / kCellSize) * columns + tile.x / kCellSize;
    for (int x = 0; x < tile.width; ++x) factors[x] = cells[x / kCellSize];
    std::fill_n(squares, kTileSize, 0.0f);
    for (float* plane : tile.plane) {
      for (int y = top; y < std::min(top + kCellSize, tile.height); ++y) {
        float* const row = plane + static_cast<size_t>(y) * tile.stride;
        for (int x = 0; x < tile.width; ++x) {
          const float weighted = row[x] * factors[x];
          squares[x] += row[x] * weighted;
          row[x] = weighted;
        }
      }
    }
    for (int x = 0; x < tile.width; ++x) total += squares[x];
  }
  return total;
}

// The loss of the pixels by themselves; every pair of splat and tile gathers its sums of the gradient in its slot.
double tile_losses(const Frame& frame, const Target& target, Loss kind, const CellWeights& weights, float* slots,
                   const Parallel& parallel) {
  const auto loss = kind == Loss::kSquared ? kernels().squared_loss : kernels().absolute_loss;
  const double samples = 3.0 * target.width * target.height;
  std::vector<double> losses(frame.grid().count());
  frame.for_tiles(0, parallel, [&](size_t index, const TileList& list, const Tile& tile) {
    losses[index] = loss(tile, target, static_cast<float>(1 / samples)) / samples;
    if (weights.cells && kind == Loss::kSquared) {
      losses[index] = weigh(frame, weights, tile) * samples / 4;  // the planes are 2 / samples times the errors
    }
    kernels().gather(list, tile, slots);
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

constexpr size_t kNodeTiles = 1024;  // whose sums wait for being added up, about

// For the nodes of a lattice, sums over the pixels of weights times planes, [3][rows][columns]: gathered tile by tile,
// then added up, whatever the threads did in the same order. fill(index, tile) makes the planes of a tile, which must
// be zero from its width on.
template <class Fill>
void node_sums(const Frame& frame, const LatticeShape& shape, const Parallel& parallel, float* sums, Fill fill) {
  const LatticeView lattice(shape, frame.view());
  struct Part {
    LatticeTile where;
    Buffer<float> sums;
  };
  const auto gathered = [&](size_t index) {
    const Tile tile = fill(index);
    const LatticeTile where = lattice.tile(tile, nullptr);
    const size_t columns = static_cast<size_t>(where.end_column - where.first_column);
    Part part{where, Buffer<float>(3 * columns * static_cast<size_t>(where.end_row - where.first_row))};
    kernels().gather_lattice(where, tile, part.sums.data());
    return part;
  };
  const auto add = [&](const Part& part) {
    const float* from = part.sums.data();
    for (size_t c = 0; c < 3; ++c) {
      for (int row = part.where.first_row; row < part.where.end_row; ++row) {
        float* to = sums + c * shape.nodes() + lattice.first_node() +
                    static_cast<size_t>(row) * static_cast<size_t>(shape.columns());
        for (int column = part.where.first_column; column < part.where.end_column; ++column) to[column] += *from++;
      }
    }
  };
  std::fill_n(sums, 3 * shape.nodes(), 0.0f);
  const size_t tiles = frame.grid().count();
  for (size_t first = 0; first < tiles; first += kNodeTiles) {
    std::vector<Part> parts(std::min(kNodeTiles, tiles - first));
    parallel.for_each(parts.size(), [&](size_t i) { parts[i] = gathered(first + i); });
    for (const Part& part : parts) add(part);
  }
}

}  // namespace

double loss_gradient(const Frame& frame, const Target& target, const LossSpec& loss, const CellWeights& weights,
                     float* gradient, const Parallel& parallel) {
  Slots<float> room(slot_floats(frame));
  float* const slots = room.data();
  const double value = loss.kind == Loss::kAbsoluteSsim
                           ? ssim_loss(frame, target, loss.weight, slots, parallel)
                           : tile_losses(frame, target, loss.kind, weights, slots, parallel);
  for_sums(frame, slots, kSlotFloats, parallel, [&](size_t i, const double* sums) {
    chain_rule(sums, frame.splats()[i], frame.axes()[i], gradient + i * kParameters);
  });
  return value;
}

void normal_product(const Frame& frame, const float* direction, const CellWeights& weights, float* product,
                    const Parallel& parallel) {
  Buffer<PixelTangent> tangents(frame.size());
  for_splats(frame.size(), parallel,
             [&](size_t i) { tangents[i] = tangent(direction + i * kParameters, frame.axes()[i]); });
  const auto fill = [&](const TileList& list, const Tile& tile) {
    clear(tile);
    kernels().add_tangents(list, tangents.data(), tile);
    if (weights.cells) weigh(frame, weights, tile);
  };
  product_of(frame, fill, product, parallel);
}

void vjp(const Frame& frame, const float* cotangent, float* product, const Parallel& parallel) {
  const auto fill = [&](const TileList&, const Tile& tile) { read_cotangent(frame, cotangent, tile); };
  product_of(frame, fill, product, parallel);
}

void colour_product(const Frame& frame, const float* direction, const CellWeights& weights, float* product,
                    const Parallel& parallel) {
  Buffer<PixelSplat> splats(frame.size());
  Slots<float> room(slot_floats(frame));
  float* const slots = room.data();
  for_splats(frame.size(), parallel, [&](size_t i) {
    splats[i] = frame.splats()[i];
    for (int c = 0; c < 3; ++c) splats[i].colour[c] = frame.axes()[i].amplitude * direction[3 * i + c];
  });
  parallel.for_each(frame.grid().count(), [&](size_t index) {
    const Tile tile = tile_at(frame.grid(), index);
    const TileList list = frame.bins().list(index, splats.data());
    clear(tile);
    kernels().add(list, tile);
    if (weights.cells) weigh(frame, weights, tile);
    clear_margin(tile);
    kernels().gather_colour(list, tile, slots);
  });
  for_sums(frame, slots, 3, parallel, [&](size_t i, const double* sums) {
    for (int c = 0; c < 3; ++c) product[3 * i + c] = static_cast<float>(frame.axes()[i].amplitude * sums[c]);
  });
}

void colour_diagonal(const Frame& frame, float* diagonal, const Parallel& parallel) {
  Slots<float> room(slot_floats(frame));
  float* const slots = room.data();
  parallel.for_each(frame.grid().count(), [&](size_t index) {
    kernels().gather_squares(frame.bins().list(index, frame.splats()), tile_at(frame.grid(), index), slots);
  });
  for_sums(frame, slots, 1, parallel, [&](size_t i, const double* sums) {
    diagonal[i] = static_cast<float>(frame.axes()[i].amplitude * frame.axes()[i].amplitude * sums[0]);
  });
}

void lattice_residual(const Frame& frame, const Target& target, const LatticeShape& shape, float* sums,
                      const Parallel& parallel) {
  node_sums(frame, shape, parallel, sums, [&](size_t index) {
    const Tile tile = tile_at(frame.grid(), index);
    frame.draw_tile(index, tile, parallel);
    kernels().squared_loss(tile, target, -0.5f);
    return tile;
  });
}

void lattice_vjp(const Frame& frame, const float* cotangent, const LatticeShape& shape, float* sums,
                 const Parallel& parallel) {
  node_sums(frame, shape, parallel, sums, [&](size_t index) {
    const Tile tile = tile_at(frame.grid(), index);
    read_cotangent(frame, cotangent, tile);
    clear_margin(tile);
    return tile;
  });
}

double decoded_error(const Frame& frame, const Target& target, const Parallel& parallel) {
  std::vector<double> errors(frame.grid().count());
  frame.for_tiles(0, parallel, [&](size_t index, const TileList&, const Tile& tile) {
    errors[index] = kernels().decoded_error(tile, target);
  });
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

void cell_errors(const Frame& frame, const Target& target, float* cells, const Parallel& parallel) {
  const int width = frame.view().width, height = frame.view().height;
  const int columns = (width + kCellSize - 1) / kCellSize, rows = (height + kCellSize - 1) / kCellSize;
  std::fill_n(cells, static_cast<size_t>(columns) * static_cast<size_t>(rows), 0.0f);
  frame.for_tiles(0, parallel, [&](size_t, const TileList&, const Tile& tile) {
    const size_t first = static_cast<size_t>(tile.y / kCellSize) * static_cast<size_t>(columns) +
                         static_cast<size_t>(tile.x / kCellSize);
    kernels().cell_errors(tile, target, cells + first, columns);
  });
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const int pixels = std::min(kCellSize, width - x * kCellSize) * std::min(kCellSize, height - y * kCellSize);
      cells[static_cast<size_t>(y) * static_cast<size_t>(columns) + static_cast<size_t>(x)] /=
          static_cast<float>(3 * pixels);
    }
  }
}

}  // namespace smartsplat
