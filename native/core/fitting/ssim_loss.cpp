#include "fitting/ssim_loss.h"

#include <algorithm>
#include <vector>

#include "fitting/ssim_blocks.h"
#include "rendering/slots.h"

namespace smartsplat {
namespace {

constexpr int kBandPixels = 1 << 20;  // drawn at a time, so that what is drawn and its gradient stay in the cache
constexpr int kLeastTileRows = 4;     // drawn at a time; the fewer, the more slopes are made twice
// Rows of tiles that are kept beside those that are drawn: one that waits for its gradient, and the one before that,
// whose last rows are still needed.
constexpr int kWaiting = 2;

// Memory for two bands of tiles: the sums and their gradient.
class Bands : Slots<float, Bands> {
 public:
  Bands(int columns, int rows)
      : Slots(2 * size(columns, rows)),
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
        scales_{lambda_l / samples_, -(1 - lambda_l) / samples_},
        step_(std::min(grid().rows, std::max(kLeastTileRows, kBandPixels / kTileSize / grid().width))),
        bands_(grid().columns, std::min(step_ + kWaiting, grid().rows)) {}

  double run() {
    for (int first = 0, ready = 0; first < grid().rows; first += step_) {
      const int end = std::min(first + step_, grid().rows), complete = end == grid().rows ? end : end - 1;
      draw(first, end);
      differentiate(ready * kTileSize, std::min(complete * kTileSize, grid().height));
      gather(ready, complete);
      ready = complete;
    }
    return scales_.absolute * total_.absolute - scales_.ssim * (samples_ - total_.ssim);
  }

 private:
  const TileGrid& grid() const { return frame_.grid(); }
  // Calls body(index) for the tiles of some rows, on some thread.
  template <class Body>
  void for_tiles(int first_row, int end_row, Body body) const {
    const size_t first = static_cast<size_t>(first_row) * static_cast<size_t>(grid().columns);
    const size_t end = static_cast<size_t>(end_row) * static_cast<size_t>(grid().columns);
    parallel_.for_each(end - first, [&](size_t i) { body(first + i); });
  }

  void draw(int first_row, int end_row) const {
    for_tiles(first_row, end_row,
              [&](size_t index) { frame_.draw_tile(index, tile_in(bands_.sums, grid(), index), parallel_); });
  }

  // The loss of rows of pixels, and its gradient.
  void differentiate(int top, int bottom) {
    const std::vector<SsimBlock> blocks = ssim_blocks(grid().width, top, bottom, 3);
    std::vector<SsimTerms> terms(blocks.size());
    parallel_.for_each(blocks.size(), [&](size_t i) {
      terms[i] = kernels().ssim_loss(bands_.sums, target_, bands_.gradient, blocks[i], scales_, ssim_scratch());
    });
    for (const SsimTerms& term : terms) {
      total_.absolute += term.absolute;
      total_.ssim += term.ssim;
    }
  }

  void gather(int first_row, int end_row) const {
    for_tiles(first_row, end_row, [&](size_t index) {
      const Tile tile = tile_in(bands_.gradient, grid(), index);
      clear_margin(tile);
      kernels().gather(frame_.bins().list(index, frame_.splats()), tile, slots_);
    });
  }

  const Frame& frame_;
  const Target& target_;
  const Parallel& parallel_;
  float* const slots_;
  const double samples_;  // of the picture
  const SsimTerms scales_;
  const int step_;  // rows of tiles drawn at a time
  const Bands bands_;
  SsimTerms total_{};
};

}  // namespace

double ssim_loss(const Frame& frame, const Target& target, float lambda_l, float* slots, const Parallel& parallel) {
  return SsimLoss(frame, target, lambda_l, slots, parallel).run();
}

}  // namespace smartsplat
