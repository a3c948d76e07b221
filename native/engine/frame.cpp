#include "engine/frame.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>
#include <numeric>
#include <utility>

#include "common/threads.h"
#include "engine/kernels/table.h"

namespace smartsplat {
namespace {

constexpr size_t kPart = 1024;  // splats that a thread takes at a time
constexpr size_t kPlane = static_cast<size_t>(kWidestTile) * kWidestTile;
constexpr int kPlanes = 6 + 11;  // sums, their gradient, and what SSIM needs

// The planes that one thread works in.
class Workspace {
 public:
  Workspace() : memory_(new (std::align_val_t{64}) float[kPlane * kPlanes]) {}
  ~Workspace() {
    ::operator delete[](memory_, std::align_val_t{64});
    ::operator delete[](scratch_, std::align_val_t{64});
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  float* plane(int i) const { return memory_ + i * kPlane; }
  // Room for that many floats, which nobody else in this thread uses at the time.
  float* scratch(size_t floats) {
    if (floats > scratch_size_) {
      ::operator delete[](scratch_, std::align_val_t{64});
      scratch_size_ = 0;
      scratch_ = new (std::align_val_t{64}) float[floats];
      scratch_size_ = floats;
    }
    return scratch_;
  }

 private:
  float* memory_;
  float* scratch_ = nullptr;
  size_t scratch_size_ = 0;
};

Workspace& workspace() {
  thread_local Workspace space;
  return space;
}

template <class Body>
void for_splats(size_t n, Body body) {
  parallel_for((n + kPart - 1) / kPart, [&](size_t part) {
    for (size_t i = part * kPart; i < std::min(n, (part + 1) * kPart); ++i) body(i);
  });
}

// The tile of that index with a halo, in the first planes of this thread's workspace.
Tile tile_at(const TileGrid& grid, size_t index, int halo = 0) {
  const int x = static_cast<int>(index % grid.columns) * kTileSize;
  const int y = static_cast<int>(index / grid.columns) * kTileSize;
  const Workspace& space = workspace();
  return {{space.plane(0), space.plane(1), space.plane(2)},
          halo > 0 ? kWidestTile : kTileSize,
          x - halo,
          y - halo,
          std::min(kTileSize, grid.width - x) + 2 * halo,
          std::min(kTileSize, grid.height - y) + 2 * halo};
}

// A copy of the tile without its halo, in the next planes of this thread's workspace.
Tile copy_of_core(const Tile& tile, int halo) {
  const Workspace& space = workspace();
  Tile core = {{space.plane(3), space.plane(4), space.plane(5)},
               kTileSize,
               tile.x + halo,
               tile.y + halo,
               tile.width - 2 * halo,
               tile.height - 2 * halo};
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < core.height; ++y) {
      const float* from = tile.plane[c] + static_cast<size_t>(y + halo) * tile.stride + halo;
      std::copy_n(from, core.width, core.plane[c] + static_cast<size_t>(y) * core.stride);
    }
  }
  return core;
}

void clear(const Tile& tile) {
  for (float* plane : tile.plane) std::fill_n(plane, static_cast<size_t>(tile.stride) * tile.height, 0.0f);
}

// Zero from the tile's width on, where the sums of splats run over.
void clear_margin(const Tile& tile) {
  for (float* plane : tile.plane) {
    for (int y = 0; y < tile.height; ++y) {
      float* row = plane + static_cast<size_t>(y) * tile.stride;
      std::fill(row + tile.width, row + (tile.width + 15) / 16 * 16, 0.0f);
    }
  }
}

// The tile's part of the loss; `tile` becomes the tile of its gradient.
double differentiate(Tile& tile, int halo, const Target& target, const LossSpec& loss) {
  const KernelTable& k = kernels();
  const double samples = 3.0 * target.width * target.height;
  if (loss.kind == Loss::kSquared) return k.squared_loss(tile, target, static_cast<float>(1 / samples)) / samples;
  if (loss.kind == Loss::kAbsolute) return k.absolute_loss(tile, target, static_cast<float>(1 / samples)) / samples;
  const double pixels = loss.weight / samples, structure = (1 - loss.weight) / samples;
  const Tile sums = tile;
  tile = copy_of_core(sums, halo);
  const double absolute = k.absolute_loss(tile, target, static_cast<float>(pixels));
  const double ssim = k.ssim(sums, target, tile, static_cast<float>(-structure), workspace().plane(6));
  return pixels * absolute + structure * (3.0 * tile.width * tile.height - ssim);
}

}  // namespace

Frame::Frame(const View& view, int halo) : view_(view), grid_(view.width, view.height, halo) {
  bins_.fill(grid_, splats_);
}

template <class Finish>
void Frame::for_tiles(int halo, Finish finish) const {
  parallel_for(grid_.count(), [&](size_t index) {
    Tile tile = tile_at(grid_, index, halo);
    const TileList list = bins_.list(index, splats_.data());
    clear(tile);
    if (lattice_.spacing > 0) add_lattice(tile);
    kernels().add(list, tile);
    finish(index, list, tile);
  });
}

template <class Write>
void Frame::for_sums(int count, Write write) const {
  for_splats(splats_.size(), [&](size_t i) {
    double sums[kSlotFloats] = {};
    for (size_t slot = bins_.first_slot(i); slot < bins_.end_slot(i); ++slot) {
      for (int k = 0; k < count; ++k) sums[k] += slots_[slot * kSlotFloats + k];
    }
    write(i, sums);
  });
}

void Frame::place(const float* parameters, size_t n) {
  splats_.resize(n);
  axes_.resize(n);
  for_splats(n, [&](size_t i) {
    if (!project(parameters + i * kParameters, view_, splats_[i], axes_[i])) {
      splats_[i] = {};
      splats_[i].x_extent = -1;
      axes_[i] = {1, 0, {1, 1}, {1, 1}, 1};
    }
  });
  bins_.fill(grid_, splats_);
}

float* Frame::slots() {
  slots_.resize(bins_.pairs() * kSlotFloats);
  return slots_.data();
}

double Frame::support_pixels() const {
  return std::accumulate(axes_.begin(), axes_.end(), 0.0, [](double total, const Axes& axes) {
    return total + std::numbers::pi * kSupport * std::sqrt(axes.variance[0] * axes.variance[1]);
  });
}

std::shared_ptr<void> Frame::lay(const LatticeShape& shape, const float* values, std::shared_ptr<void> owner) {
  LatticeAxis across, down;
  if (shape.spacing > 0) {  // whatever throws does so before anything changes
    across = LatticeAxis(shape.columns(), shape.spacing, view_.width, view_.zoom, view_.left, view_.blur);
    down = LatticeAxis(shape.rows(), shape.spacing, view_.height, view_.zoom * view_.aspect, view_.top, view_.blur);
    values += static_cast<size_t>(down.first_node()) * static_cast<size_t>(shape.columns()) + across.first_node();
  }
  lattice_ = shape;
  lattice_x_ = std::move(across);
  lattice_y_ = std::move(down);
  lattice_values_ = values;
  lattice_owner_.swap(owner);
  return owner;
}

void Frame::add_lattice(const Tile& tile) const {
  const LatticeTile lattice = lattice_tile(tile);
  const size_t rows = static_cast<size_t>(std::max(0, lattice.end_row - lattice.first_row));
  kernels().add_lattice(lattice, tile, workspace().scratch(rows * kWidestTile));
}

LatticeTile Frame::lattice_tile(const Tile& tile) const {
  LatticeTile lattice{lattice_x_.weights(), lattice_y_.weights(), 0, 0, 0, 0, {},
                      lattice_x_.nodes(),   lattice_.columns()};
  lattice_x_.range(tile.x, tile.x + tile.width, lattice.first_column, lattice.end_column);
  lattice_y_.range(tile.y, tile.y + tile.height, lattice.first_row, lattice.end_row);
  for (size_t c = 0; c < 3; ++c) lattice.values[c] = lattice_values_ + c * lattice_.nodes();
  return lattice;
}

void Frame::lattice_residual(const Target& target, float* sums) const {
  struct Part {
    LatticeTile where;
    std::vector<float> sums;
  };
  std::vector<Part> parts(grid_.count());
  for_tiles(0, [&](size_t index, const TileList&, const Tile& tile) {
    kernels().squared_loss(tile, target, -0.5f);
    Part& part = parts[index];
    part.where = lattice_tile(tile);
    const int columns = part.where.end_column - part.where.first_column;
    part.sums.resize(3 * static_cast<size_t>(columns) * static_cast<size_t>(part.where.end_row - part.where.first_row));
    kernels().gather_lattice(part.where, tile, part.sums.data());
  });
  std::fill_n(sums, 3 * lattice_.nodes(), 0.0f);
  for (const Part& part : parts) {  // in this order, whatever the threads did
    const LatticeTile& where = part.where;
    const float* from = part.sums.data();
    for (size_t c = 0; c < 3; ++c) {
      for (int row = where.first_row; row < where.end_row; ++row) {
        float* to = sums + c * lattice_.nodes() +
                    static_cast<size_t>(row + lattice_y_.first_node()) * static_cast<size_t>(lattice_.columns()) +
                    lattice_x_.first_node();
        for (int column = where.first_column; column < where.end_column; ++column) to[column] += *from++;
      }
    }
  }
}

void Frame::render(float* rgb) const {
  const size_t stride = 3 * static_cast<size_t>(view_.width);
  for_tiles(0, [&](size_t, const TileList&, const Tile& tile) {
    kernels().to_floats(tile, rgb + tile.y * stride + 3 * static_cast<size_t>(tile.x), stride);
  });
}

void Frame::render(uint8_t* rgb) const {
  const size_t stride = 3 * static_cast<size_t>(view_.width);
  for_tiles(0, [&](size_t, const TileList&, const Tile& tile) {
    kernels().to_bytes(tile, rgb + tile.y * stride + 3 * static_cast<size_t>(tile.x), stride);
  });
}

double Frame::gradient(const Target& target, const LossSpec& loss, float* gradient) {
  std::vector<double> losses(grid_.count());
  float* const slots = this->slots();
  for_tiles(loss.kind == Loss::kAbsoluteSsim ? grid_.halo : 0, [&](size_t index, const TileList& list, Tile& tile) {
    losses[index] = differentiate(tile, grid_.halo, target, loss);
    kernels().gather(list, tile, slots);
  });
  for_sums(kSlotFloats,
           [&](size_t i, const double* sums) { chain_rule(sums, splats_[i], axes_[i], gradient + i * kParameters); });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

void Frame::normal_product(const float* direction, float* product) {
  std::vector<PixelTangent> tangents(size());
  float* const slots = this->slots();
  for_splats(size(), [&](size_t i) { tangents[i] = tangent(direction + i * kParameters, axes_[i]); });
  parallel_for(grid_.count(), [&](size_t index) {
    const Tile tile = tile_at(grid_, index);
    const TileList list = bins_.list(index, splats_.data());
    clear(tile);
    kernels().add_tangents(list, tangents.data(), tile);
    clear_margin(tile);
    kernels().gather(list, tile, slots);
  });
  for_sums(kSlotFloats,
           [&](size_t i, const double* sums) { chain_rule(sums, splats_[i], axes_[i], product + i * kParameters); });
}

void Frame::colour_product(const float* direction, float* product) {
  std::vector<PixelSplat> splats = splats_;
  float* const slots = this->slots();
  for_splats(size(), [&](size_t i) {
    for (int c = 0; c < 3; ++c) splats[i].colour[c] = axes_[i].amplitude * direction[3 * i + c];
  });
  parallel_for(grid_.count(), [&](size_t index) {
    const Tile tile = tile_at(grid_, index);
    const TileList list = bins_.list(index, splats.data());
    clear(tile);
    kernels().add(list, tile);
    clear_margin(tile);
    kernels().gather_colour(list, tile, slots);
  });
  for_sums(3, [&](size_t i, const double* sums) {
    for (int c = 0; c < 3; ++c) product[3 * i + c] = static_cast<float>(axes_[i].amplitude * sums[c]);
  });
}

void Frame::colour_diagonal(float* diagonal) {
  float* const slots = this->slots();
  parallel_for(grid_.count(), [&](size_t index) {
    kernels().gather_squares(bins_.list(index, splats_.data()), tile_at(grid_, index), slots);
  });
  for_sums(1, [&](size_t i, const double* sums) {
    diagonal[i] = static_cast<float>(axes_[i].amplitude * axes_[i].amplitude * sums[0]);
  });
}

double Frame::decoded_error(const Target& target) const {
  std::vector<double> errors(grid_.count());
  for_tiles(0, [&](size_t index, const TileList&, const Tile& tile) {
    errors[index] = kernels().decoded_error(tile, target);
  });
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

void Frame::cell_errors(const Target& target, float* cells) const {
  const int columns = (view_.width + kCellSize - 1) / kCellSize, rows = (view_.height + kCellSize - 1) / kCellSize;
  std::fill_n(cells, static_cast<size_t>(columns) * rows, 0.0f);
  for_tiles(0, [&](size_t, const TileList&, const Tile& tile) {
    const size_t first = static_cast<size_t>(tile.y / kCellSize) * columns + tile.x / kCellSize;
    kernels().cell_errors(tile, target, cells + first, columns);
  });
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const int width = std::min(kCellSize, view_.width - x * kCellSize),
                height = std::min(kCellSize, view_.height - y * kCellSize);
      cells[static_cast<size_t>(y) * columns + x] /= static_cast<float>(3 * width * height);
    }
  }
}

}  // namespace smartsplat
