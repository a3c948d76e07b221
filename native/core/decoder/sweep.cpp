#include "decoder/sweep.h"

#include <algorithm>
#include <utility>

#include "decoder/budget.h"

namespace smartsplat {
namespace {

constexpr int kLongestSide = 1 << 15;     // px; see Renderer::render
constexpr int kReach = 4;                 // nodes beside a pixel, more than it sees
constexpr int kMostSide = 8 * kTileSize;  // px of a block of tiles: enough for all threads to have some
// Nodes that kernels may look at before and after those that a tile sees.
constexpr int kBefore = 2, kAfter = 48;
constexpr size_t kPart = 1024;  // splats that a thread takes at a time

View whole(const File& file) {
  return view_of(file.width(), file.height(),
                 {0, 0, static_cast<double>(file.width()), static_cast<double>(file.height())}, 1);
}

// Rows of nodes that the next row of tiles may need before those that are known.
int behind(int spacing) { return kTileSize / spacing + 4 * kReach; }

// Pixels of a side of a block of tiles whose nodes are joined at once.
int block_side(int spacing) {
  return std::clamp((kJoinedSide - 2 * kReach) * spacing / kTileSize * kTileSize, kTileSize, kMostSide);
}

LatticeHead checked_head(const File& file, double work) {
  const LatticeHead head = *file.lattice_head();
  check_lattice(head, file.part_bytes(Layer::kLattice), work);
  return head;
}

Frame frame_of(const Canvas& canvas, const File& file, double work, const Parallel& parallel) {
  const Buffer<float> parameters = splat_parameters(file.splats(parallel), parallel);
  const SplatRows splats{parameters.data(), parameters.size() / kParameters};
  Ledger ledger = ledger_for(canvas.view(), splats.count, work);
  Buffer<PixelSplat> placed(splats.count);
  parallel.for_each((splats.count + kPart - 1) / kPart, [&](size_t part) {
    for (size_t i = part * kPart; i < std::min(splats.count, (part + 1) * kPart); ++i) {
      Axes axes;
      project(splats[i], turn_of(splats[i]), canvas.view(), placed[i], axes);
    }
  });
  return Frame(canvas, std::move(placed), parallel, ledger);
}

}  // namespace

class Sweep::Room {
 public:
  Room(Sweep& sweep, size_t floats) : sweep_(sweep) {
    take();
    if (values_.size() >= floats) return;
    values_ = Buffer<float>(floats);
    std::fill(values_.begin(), values_.end(), 0.0f);
  }
  ~Room() {
    std::lock_guard lock(sweep_.lock_);
    sweep_.rooms_.push_back(std::move(values_));
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  float* values() { return values_.data(); }

 private:
  void take() {
    std::lock_guard lock(sweep_.lock_);
    if (sweep_.rooms_.empty()) {
      sweep_.rooms_.reserve(++sweep_.lent_);  // so that giving one back takes no memory
      return;
    }
    values_ = std::move(sweep_.rooms_.back());
    sweep_.rooms_.pop_back();
  }

  Sweep& sweep_;
  Buffer<float> values_;
};

bool Sweep::serves(const File& file, double work) {
  const std::optional<LatticeHead> head = file.lattice_head();
  if (!head || !LatticeRows::serves(*head) || std::max(file.width(), file.height()) > kLongestSide) return false;
  return head->size().plane() <= most_nodes(file.part_bytes(Layer::kLattice), work);
}

Sweep::Sweep(const File& file, double work, const Parallel& parallel)
    : file_(file),
      head_(checked_head(file_, work)),
      blocks_(file_.blocks(work, parallel)),
      canvas_(whole(file_), 0, {head_.shape, nullptr}),
      frame_(frame_of(canvas_, file_, work, parallel)),
      nodes_(head_, file_.source(Layer::kLattice), behind(head_.shape.spacing), parallel) {}

int Sweep::drawable() const {
  if (nodes_.known() == head_.size().rows) return file_.height();
  return std::max(0, nodes_.known() - kReach) * head_.shape.spacing / kTileSize * kTileSize;
}

void Sweep::draw(int rows, const Surface& surface, const Parallel& parallel) {
  const int top = next_, end = top + rows, side = block_side(head_.shape.spacing), width = file_.width();
  require(rows > 0 && end <= file_.height() && (rows % kTileSize == 0 || end == file_.height()),
          "a picture is drawn in whole rows of tiles");
  while (next_ < end) {
    const int before = next_, after = std::min(end, drawable());
    const int across = (width + side - 1) / side, down = (after - before + side - 1) / side;
    const auto draw_one = [&](size_t i) {
      const int x = static_cast<int>(i) % across * side, y = before + static_cast<int>(i) / across * side;
      const Tile block{{}, 0, x, y, std::min(side, width - x), std::min(side, after - y)};
      draw_block(block, part_of(surface, x, y - top), parallel);
    };
    nodes_.advance(after == drawable(), static_cast<size_t>(across) * static_cast<size_t>(down), draw_one, parallel);
    next_ = after;
  }
  View view = canvas_.view();
  view.top = top;
  view.height = rows;
  blocks_.draw(view, surface, parallel);
}

void Sweep::draw_block(const Tile& block, const Surface& surface, const Parallel& parallel) {
  const NodeArea nodes = canvas_.lattice().nodes(block);
  // Beyond the picture there are no nodes, which is not the same as some that weigh nothing.
  const int before = nodes.left >= kBefore ? kBefore : 0, after = nodes.right < head_.size().columns ? kAfter : 0;
  const int columns = before + nodes.right - nodes.left + after;
  const ptrdiff_t plane = ptrdiff_t{nodes.bottom - nodes.top} * columns;
  Room room(*this, static_cast<size_t>(3 * plane));
  nodes_.join({nodes.top, nodes.left, nodes.bottom, nodes.right}, room.values() + before, columns, plane);
  const NodeBlock values{room.values(), nodes.top, nodes.left - before, columns, columns, plane};
  for (int y = block.y; y < block.y + block.height; y += kTileSize) {
    for (int x = block.x; x < block.x + block.width; x += kTileSize) {
      const TileGrid& grid = canvas_.grid();
      const size_t index =
          static_cast<size_t>(y / kTileSize) * static_cast<size_t>(grid.columns) + static_cast<size_t>(x / kTileSize);
      const Tile tile = tile_at(grid, index);
      frame_.draw_tile(index, tile, values, parallel);
      write_tile(tile, part_of(surface, x - block.x, y - block.y));
    }
  }
}

}  // namespace smartsplat
