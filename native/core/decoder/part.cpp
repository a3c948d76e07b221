#include "decoder/part.h"

#include <algorithm>
#include <cmath>

#include "decoder/budget.h"

namespace smartsplat {
namespace {

constexpr double kBlurReach = 1.5;  // px of a view: more than its blur adds to the reach of anything
constexpr double kNodeReach = 3;    // spacings: more than a node's

// What has to be known for a view, in whole nodes.
Window window_for(const File& file, const View& view) {
  const std::optional<LatticeHead> head = file.lattice_head();
  const double spacing = head ? head->shape.spacing : 1, down = view.zoom * view.aspect;
  const double more = (head ? kNodeReach : 0) * spacing + kBlurReach / std::min(view.zoom, down);
  const auto from = [&](double place, int side) {
    return std::clamp(std::floor((place - more) / spacing), 0.0, std::ceil(side / spacing) - 1) * spacing;
  };
  const auto to = [&](double place, double start, int side) {
    return std::min<double>(side, std::max(std::ceil((place + more) / spacing) * spacing, start + spacing));
  };
  const double left = from(view.left, file.width()), top = from(view.top, file.height());
  return {left, top, to(view.left + view.width / view.zoom, left, file.width()),
          to(view.top + view.height / down, top, file.height())};
}

std::optional<LatticeRegion> lattice_region(const File& file, const Window& window) {
  const std::optional<LatticeHead> head = file.lattice_head();
  if (!head) return std::nullopt;
  const auto node = [&](double place) { return static_cast<int>(std::ceil(place / head->shape.spacing)); };
  return LatticeRegion(*head, {node(window.top), node(window.left), node(window.bottom), node(window.right)});
}

std::vector<uint64_t> blocks_near(const File& file, const Window& window) {
  return file.header().blocks ? block_chunks_near(file.header().block_tiers(), window) : std::vector<uint64_t>();
}

}  // namespace

std::vector<ByteRange> ranges_for(const File& file, const View& view) {
  const Window window = window_for(file, view);
  const std::vector<uint64_t> splats = splat_chunks_near(file.header().splat_tiers(), window);
  const std::optional<LatticeRegion> region = lattice_region(file, window);
  const std::vector<uint64_t> lattice = region ? region->chunks() : std::vector<uint64_t>();
  // Both are in the order of the file, and blocks stand behind them.
  std::vector<ByteRange> ranges;
  for (size_t i = 0, j = 0; i < splats.size() || j < lattice.size();) {
    const Extent *splat = i < splats.size() ? &file.map().splats[splats[i]] : nullptr,
                 *node = j < lattice.size() ? &file.map().lattice[lattice[j]] : nullptr;
    const bool first = splat && (!node || splat->at < node->at);
    const Extent& chunk = first ? *splat : *node;
    ++(first ? i : j);
    if (chunk.length > 0) ranges.push_back({chunk.at, chunk.end() - chunk.at});
  }
  for (const uint64_t number : blocks_near(file, window)) {
    const Extent& chunk = file.map().blocks[number];
    if (chunk.length > 0) ranges.push_back({chunk.at, chunk.end() - chunk.at});
  }
  return ranges;
}

std::vector<ByteRange> joined(const std::vector<ByteRange>& ranges) {
  std::vector<ByteRange> all;
  for (const ByteRange& range : ranges) {
    if (all.empty() || all.back().at + all.back().length != range.at) {
      all.push_back(range);
    } else {
      all.back().length += range.length;
    }
  }
  return all;
}

Part::Part(const File& file, const View& view, double work, const Parallel& parallel)
    : window_(window_for(file, view)),
      region_(lattice_region(file, window_)),
      parameters_(read_splats_near(counted(file, Layer::kSplats), file.header().splat_tiers(), file.header().splat_step,
                                   file.width(), file.height(), window_, parallel)),
      values_(lattice_of(file, work, parallel)),
      blocks_(blocks_of(file, work, parallel)),
      renderer_(scene(file), parallel) {}

ChunkSource Part::counted(const File& file, Layer layer) {
  return [this, source = file.source(layer)](uint64_t chunk) {
    const Bytes bytes = source(chunk);
    bytes_read_ += bytes.empty() ? 0 : bytes.size() + kCheckBytes;
    return bytes;
  };
}

Buffer<float> Part::lattice_of(const File& file, double work, const Parallel& parallel) {
  if (!region_) return {};
  const double pixels = (window_.right - window_.left) * (window_.bottom - window_.top);
  check_lattice_part(region_->coefficients(), pixels, work);
  return region_->read(counted(file, Layer::kLattice), parallel);
}

Blocks Part::blocks_of(const File& file, double work, const Parallel& parallel) {
  return {counted(file, Layer::kBlocks), file.block_head(), blocks_near(file, window_), work, parallel};
}

Scene Part::scene(const File& file) const {
  const int width = static_cast<int>(window_.right - window_.left),
            height = static_cast<int>(window_.bottom - window_.top);
  const std::optional<LatticeHead> head = file.lattice_head();
  return {width,
          height,
          {parameters_.data(), parameters_.size() / kParameters},
          {head ? LatticeShape{width, height, head->shape.spacing} : LatticeShape{}, values_.data()}};
}

void Part::render(const View& view, const Surface& surface, double work, const Parallel& parallel) const {
  View shifted = view;
  shifted.left -= window_.left;
  shifted.top -= window_.top;
  renderer_.render(shifted, surface, work, parallel);
  blocks_.draw(view, surface, parallel);  // which know their places in the picture
}

}  // namespace smartsplat
