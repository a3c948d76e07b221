#include "decoder/part.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "decoder/budget.h"
#include "lattice/low_band.h"
#include "lattice/sharpening.h"

namespace smartsplat {
namespace {

constexpr double kBlurReach = 1.5;  // px of a view: more than its blur adds to the reach of anything
constexpr double kNodeReach = 3;    // spacings: more than a node's

// What has to be known for a view, in whole nodes or values of that low band.
Window window_for(const File& file, const View& view, int low) {
  const std::optional<LatticeHead> head = file.lattice_head();
  const double spacing = head ? head->shape.spacing : 1, pitch = std::ldexp(spacing, low);
  const double down = view.zoom * view.aspect;
  const double more = (head ? kNodeReach + whole_low_reach(low) : 0) * spacing + kBlurReach / std::min(view.zoom, down);
  const auto from = [&](double place, int side) {
    return std::clamp(std::floor((place - more) / pitch), 0.0, std::ceil(side / pitch) - 1) * pitch;
  };
  const auto to = [&](double place, double start, int side) {
    return std::min<double>(side, std::max(std::ceil((place + more) / pitch) * pitch, start + pitch));
  };
  const double left = from(view.left, file.width()), top = from(view.top, file.height());
  return {left, top, to(view.left + view.width / view.zoom, left, file.width()),
          to(view.top + view.height / down, top, file.height())};
}

std::optional<LatticeRegion> lattice_region(const File& file, const Window& window, int low) {
  const std::optional<LatticeHead> head = file.lattice_head();
  if (!head) return std::nullopt;
  const double pitch = std::ldexp(head->shape.spacing, low);
  const auto value = [&](double place) { return static_cast<int>(std::ceil(place / pitch)); };
  return LatticeRegion(*head, {value(window.top), value(window.left), value(window.bottom), value(window.right)}, low);
}

uint64_t bytes_of(const File& file, const LatticeRegion& region) {
  uint64_t bytes = 0;
  for (const uint64_t chunk : region.chunks()) bytes += file.map().lattice[chunk].length;
  return bytes;
}

std::vector<uint64_t> blocks_near(const File& file, const Window& window) {
  return file.header().blocks ? block_chunks_near(file.header().block_tiers(), window) : std::vector<uint64_t>();
}

}  // namespace

int low_for(const File& file, const View& view, Detail detail) {
  const std::optional<LatticeHead> head = file.lattice_head();
  if (!head) return 0;
  const double zoom = view.zoom * std::max(1.0, view.aspect);
  const auto level = [&](double blur, double density) {
    return low_level(head->shape.spacing, head->chunks.levels(), zoom, blur, density);
  };
  if (detail == Detail::kSketch) return level(kAnyBlur, kSketchDensity);
  return level(view.blur, detail == Detail::kExact ? kExactDensity : kDraftDensity);
}

PartPlan::PartPlan(const File& file, const View& view, Detail detail) {
  const int low = low_for(file, view, detail);
  window = window_for(file, view, low);
  region = lattice_region(file, window, low);
}

std::vector<ByteRange> PartPlan::ranges(const File& file) const {
  std::vector<ByteRange> ranges;
  const auto add = [&](const std::vector<uint64_t>& chunks, const std::vector<Extent>& extents) {
    const size_t before = ranges.size();
    for (const uint64_t chunk : chunks) {
      const Extent& extent = extents[chunk];
      if (extent.length > 0) ranges.push_back({extent.at, extent.end() - extent.at});
    }
    return static_cast<ptrdiff_t>(before);
  };
  add(splat_chunks_near(file.header().splat_tiers(), window), file.map().splats);
  const ptrdiff_t lattice = add(region ? region->chunks() : std::vector<uint64_t>(), file.map().lattice);
  std::vector<ByteRange> all(ranges.size());  // both are in the order of the file, and blocks stand behind them
  std::merge(ranges.begin(), ranges.begin() + lattice, ranges.begin() + lattice, ranges.end(), all.begin(),
             [](const ByteRange& a, const ByteRange& b) { return a.at < b.at; });
  ranges = std::move(all);
  add(blocks_near(file, window), file.map().blocks);
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

Part::Part(const File& file, PartPlan plan, DecodedChunks* kept, double work, const Parallel& parallel)
    : plan_(std::move(plan)),
      parameters_(read_splats_near(counted(file, Layer::kSplats), file.header().splat_tiers(), file.header().splat_step,
                                   file.width(), file.height(), plan_.window, kept, parallel)),
      values_(lattice_of(file, kept, work, parallel)),
      blocks_(blocks_of(file, work, parallel)),
      renderer_(scene(file), parallel) {}

ChunkSource Part::counted(const File& file, Layer layer) {
  return [this, source = file.source(layer)](uint64_t chunk) {
    const Bytes bytes = source(chunk);
    bytes_read_ += bytes.empty() ? 0 : bytes.size() + kCheckBytes;
    return bytes;
  };
}

Buffer<float> Part::lattice_of(const File& file, DecodedChunks* kept, double work, const Parallel& parallel) {
  if (!plan_.region) return {};
  const Window& window = plan_.window;
  const double width = window.right - window.left, height = window.bottom - window.top, pixels = width * height;
  check_lattice_side(std::max(width, height) / file.lattice_head()->shape.spacing, work);
  check_lattice_part(plan_.region->coefficients(), pixels, work);
  if (plan_.region->low() > 0) check_low_band(plan_.region->coefficients(), bytes_of(file, *plan_.region), work);
  return plan_.region->read(counted(file, Layer::kLattice), kept, parallel);
}

Blocks Part::blocks_of(const File& file, double work, const Parallel& parallel) {
  return {counted(file, Layer::kBlocks), file.block_head(), blocks_near(file, plan_.window), work, parallel};
}

Scene Part::scene(const File& file) const {
  const int width = static_cast<int>(plan_.window.right - plan_.window.left),
            height = static_cast<int>(plan_.window.bottom - plan_.window.top);
  LatticeShape shape;
  if (plan_.region) shape = {width, height, file.lattice_head()->shape.spacing, 0, plan_.region->low()};
  return {width, height, {parameters_.data(), parameters_.size() / kParameters}, {shape, values_.data()}};
}

void Part::render(const View& view, const Surface& surface, double work, const Parallel& parallel) const {
  View shifted = view;
  shifted.left -= plan_.window.left;
  shifted.top -= plan_.window.top;
  renderer_.render(shifted, surface, work, parallel);
  blocks_.draw(view, surface, parallel);  // which know their places in the picture
}

}  // namespace smartsplat
