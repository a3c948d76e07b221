#include "fitting/ssim_loss.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/memory.h"
#include "fitting/kept_room.h"

namespace smartsplat {
namespace {

constexpr int kBandPixels = 1 << 20;  // drawn at a time, so that what is drawn and its gradient stay in the cache
constexpr int kLeastTileRows = 4;     // drawn at a time; the fewer, the more slopes are made twice
constexpr int kBlockHeight = 256;     // px at most

int parts_of(int length, int most) { return (length + most - 1) / most; }

// Memory for two bands of tiles: the sums and their gradient.
class Bands : KeptRoom<Bands> {
 public:
  Bands(int columns, int rows)
      : KeptRoom(2 * size(columns, rows)),
        sums{data(), columns, rows},
        gradient{data() + size(columns, rows), columns, rows} {}

  const Band sums, gradient;

 private:
  static size_t size(int columns, int rows) {
    return 3 * static_cast<size_t>(columns) * static_cast<size_t>(rows) * kBandPlane;
  }
};

// The tile of that index where the band has it.
Tile tile_in(const Band& band, const TileGrid& grid, size_t index) {
  Tile tile = tile_at(grid, index);
  const size_t place = index % (static_cast<size_t>(band.columns) * static_cast<size_t>(band.rows));
  for (size_t c = 0; c < 3; ++c) tile.plane[c] = band.tiles + (3 * place + c) * kBandPlane;
  return tile;
}

void copy(const Tile& from, const Tile& to) {
  for (int c = 0; c < 3; ++c) std::copy_n(from.plane[c], from.stride * from.height, to.plane[c]);
}

// What the kernel works in; a thread is in one block at a time.
float* scratch() {
  thread_local Buffer<float> floats(kSsimScratch);
  return floats.data();
}

// Goes down the picture by some rows of tiles at a time. The gradient of a row of tiles is complete when the next one
// is drawn.
class SsimLoss {
 public:
  SsimLoss(const Frame& frame, const Target& target, float lambda_l, float* slots, const Parallel& parallel)
      : frame_(frame),
        target_(target),
        parallel_(parallel),
        slots_(slots),
        samples_(3.0 * target.width * target.height),
        pixels_(lambda_l / samples_),
        structure_((1 - lambda_l) / samples_),
        step_(std::min(grid().rows, std::max(kLeastTileRows, kBandPixels / kTileSize / grid().width))),
        bands_(grid().columns, kept_rows()) {}

  double run() {
    for (int first = 0, ready = 0; first < grid().rows; first += step_) {
      const int end = std::min(first + step_, grid().rows), complete = end == grid().rows ? end : end - 1;
      draw(first, end);
      differentiate(ready * kTileSize, std::min(complete * kTileSize, grid().height));
      gather(ready, complete);
      ready = complete;
    }
    return pixels_ * absolute_ + structure_ * (samples_ - ssim_);
  }

 private:
  const TileGrid& grid() const { return frame_.grid(); }
  // Those that are drawn, the one before that waits for them, and the one before that for its last rows.
  int kept_rows() const { return std::min(step_ + 2, grid().rows); }

  // Calls body(index) for the tiles of some rows, on some thread.
  template <class Body>
  void for_tiles(int first_row, int end_row, Body body) const {
    const size_t first = static_cast<size_t>(first_row) * static_cast<size_t>(grid().columns);
    const size_t end = static_cast<size_t>(end_row) * static_cast<size_t>(grid().columns);
    parallel_.for_each(end - first, [&](size_t i) { body(first + i); });
  }

  // The sums of some rows of tiles, and the gradient of their absolute error.
  void draw(int first_row, int end_row) {
    std::vector<double> errors(grid().count());
    for_tiles(first_row, end_row, [&](size_t index) {
      const Tile sums = tile_in(bands_.sums, grid(), index), gradient = tile_in(bands_.gradient, grid(), index);
      frame_.draw_tile(index, sums, parallel_);
      copy(sums, gradient);
      errors[index] = kernels().absolute_loss(gradient, target_, static_cast<float>(pixels_));
    });
    absolute_ = std::accumulate(errors.begin(), errors.end(), absolute_);
  }

  // Adds the gradient of SSIM to rows of pixels.
  void differentiate(int top, int bottom) {
    const int width = grid().width;
    const int columns = width <= kSsimWholeWidth ? 1 : parts_of(width, kSsimBlockWidth);
    const int rows = parts_of(bottom - top, kBlockHeight);
    const int block_width = parts_of(width, columns),
              block_height = parts_of(parts_of(bottom - top, rows), kSsimGroup) * kSsimGroup;
    std::vector<double> sums(3 * static_cast<size_t>(columns) * static_cast<size_t>(rows));
    parallel_.for_each(sums.size(), [&](size_t i) {
      const int row = static_cast<int>(i) / columns % rows, column = static_cast<int>(i) % columns;
      const int x = column * block_width, y = top + row * block_height;
      const SsimBlock block{static_cast<int>(i) / columns / rows, x, y, std::min(block_width, width - x),
                            std::min(block_height, bottom - y)};
      sums[i] =
          kernels().ssim(bands_.sums, target_, bands_.gradient, block, static_cast<float>(-structure_), scratch());
    });
    ssim_ = std::accumulate(sums.begin(), sums.end(), ssim_);
  }

  void gather(int first_row, int end_row) const {
    for_tiles(first_row, end_row, [&](size_t index) {
      kernels().gather(frame_.bins().list(index, frame_.splats()), tile_in(bands_.gradient, grid(), index), slots_);
    });
  }

  const Frame& frame_;
  const Target& target_;
  const Parallel& parallel_;
  float* const slots_;
  const double samples_, pixels_, structure_;  // of the picture; what a pixel's error weighs, and its SSIM
  const int step_;                             // rows of tiles drawn at a time
  const Bands bands_;
  double absolute_ = 0, ssim_ = 0;
};

}  // namespace

double ssim_loss(const Frame& frame, const Target& target, float lambda_l, float* slots, const Parallel& parallel) {
  return SsimLoss(frame, target, lambda_l, slots, parallel).run();
}

}  // namespace smartsplat
