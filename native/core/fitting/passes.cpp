#include "fitting/passes.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/memory.h"
#include "fitting/kept_room.h"
#include "fitting/ssim_loss.h"

namespace smartsplat {
namespace {

constexpr size_t kPart = 1024;  // splats that a thread takes at a time

template <class Body>
void for_splats(size_t n, const Parallel& parallel, Body body) {
  parallel.for_each((n + kPart - 1) / kPart, [&](size_t part) {
    for (size_t i = part * kPart; i < std::min(n, (part + 1) * kPart); ++i) body(i);
  });
}

// Room for the sums of every pair of splat and tile.
class Slots : public KeptRoom<Slots> {
 public:
  explicit Slots(const Frame& frame) : KeptRoom(frame.pairs() * kSlotFloats) {}
};

// Calls write(splat, sums) with the first `count` sums of every splat over all its tiles.
template <class Write>
void for_sums(const Frame& frame, const float* slots, int count, const Parallel& parallel, Write write) {
  for_splats(frame.size(), parallel, [&](size_t i) {
    double sums[kSlotFloats] = {};
    for (size_t slot = frame.bins().first_slot(i); slot < frame.bins().end_slot(i); ++slot) {
      for (int k = 0; k < count; ++k) sums[k] += slots[slot * kSlotFloats + k];
    }
    write(i, sums);
  });
}

// Gathers all sums of planes that add(list, tile) makes, and chains them to the parameters.
template <class Add>
void product_of(const Frame& frame, Add add, float* product, const Parallel& parallel) {
  Slots room(frame);
  float* const slots = room.data();
  parallel.for_each(frame.grid().count(), [&](size_t index) {
    const Tile tile = tile_at(frame.grid(), index);
    const TileList list = frame.bins().list(index, frame.splats());
    clear(tile);
    add(list, tile);
    clear_margin(tile);
    kernels().gather(list, tile, slots);
  });
  for_sums(frame, slots, kSlotFloats, parallel, [&](size_t i, const double* sums) {
    chain_rule(sums, frame.splats()[i], frame.axes()[i], product + i * kParameters);
  });
}

// The loss of the tile's own pixels alone; `tile` becomes the tile of its gradient.
double differentiate(const Tile& tile, const Target& target, Loss kind) {
  const double samples = 3.0 * target.width * target.height;
  const auto loss = kind == Loss::kSquared ? kernels().squared_loss : kernels().absolute_loss;
  return loss(tile, target, static_cast<float>(1 / samples)) / samples;
}

double tile_losses(const Frame& frame, const Target& target, Loss kind, float* slots, const Parallel& parallel) {
  std::vector<double> losses(frame.grid().count());
  frame.for_tiles(0, parallel, [&](size_t index, const TileList& list, const Tile& tile) {
    losses[index] = differentiate(tile, target, kind);
    kernels().gather(list, tile, slots);
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

// The sums over one tile for the nodes that it sees.
struct NodeSums {
  LatticeTile where;
  Buffer<float> sums;
};

void add_up(const std::vector<NodeSums>& parts, const LatticeView& lattice, float* sums) {
  const LatticeShape& shape = lattice.shape();
  std::fill_n(sums, 3 * shape.nodes(), 0.0f);
  for (const NodeSums& part : parts) {  // in this order, whatever the threads did
    const LatticeTile& where = part.where;
    const float* from = part.sums.data();
    for (size_t c = 0; c < 3; ++c) {
      for (int row = where.first_row; row < where.end_row; ++row) {
        float* to = sums + c * shape.nodes() + lattice.first_node() +
                    static_cast<size_t>(row) * static_cast<size_t>(shape.columns());
        for (int column = where.first_column; column < where.end_column; ++column) to[column] += *from++;
      }
    }
  }
}

}  // namespace

double loss_gradient(const Frame& frame, const Target& target, const LossSpec& loss, float* gradient,
                     const Parallel& parallel) {
  Slots room(frame);
  float* const slots = room.data();
  const double value = loss.kind == Loss::kAbsoluteSsim ? ssim_loss(frame, target, loss.weight, slots, parallel)
                                                        : tile_losses(frame, target, loss.kind, slots, parallel);
  for_sums(frame, slots, kSlotFloats, parallel, [&](size_t i, const double* sums) {
    chain_rule(sums, frame.splats()[i], frame.axes()[i], gradient + i * kParameters);
  });
  return value;
}

void normal_product(const Frame& frame, const float* direction, float* product, const Parallel& parallel) {
  Buffer<PixelTangent> tangents(frame.size());
  for_splats(frame.size(), parallel,
             [&](size_t i) { tangents[i] = tangent(direction + i * kParameters, frame.axes()[i]); });
  product_of(
      frame, [&](const TileList& list, const Tile& tile) { kernels().add_tangents(list, tangents.data(), tile); },
      product, parallel);
}

void colour_product(const Frame& frame, const float* direction, float* product, const Parallel& parallel) {
  Buffer<PixelSplat> splats(frame.size());
  Slots room(frame);
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
    clear_margin(tile);
    kernels().gather_colour(list, tile, slots);
  });
  for_sums(frame, slots, 3, parallel, [&](size_t i, const double* sums) {
    for (int c = 0; c < 3; ++c) product[3 * i + c] = static_cast<float>(frame.axes()[i].amplitude * sums[c]);
  });
}

void colour_diagonal(const Frame& frame, float* diagonal, const Parallel& parallel) {
  Slots room(frame);
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
  const LatticeView lattice(shape, frame.view());
  std::vector<NodeSums> parts(frame.grid().count());
  frame.for_tiles(0, parallel, [&](size_t index, const TileList&, const Tile& tile) {
    kernels().squared_loss(tile, target, -0.5f);
    const LatticeTile where = lattice.tile(tile, nullptr);
    const size_t columns = static_cast<size_t>(where.end_column - where.first_column);
    parts[index] = {where, Buffer<float>(3 * columns * static_cast<size_t>(where.end_row - where.first_row))};
    kernels().gather_lattice(where, tile, parts[index].sums.data());
  });
  add_up(parts, lattice, sums);
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
