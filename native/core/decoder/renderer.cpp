#include "decoder/renderer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace smartsplat {
namespace {

constexpr size_t kPart = 1024;  // splats that a thread takes at a time

template <class Body>
void for_parts(size_t n, const Parallel& parallel, Body body) {
  parallel.for_each((n + kPart - 1) / kPart, [&](size_t part) {
    for (size_t i = part * kPart; i < std::min(n, (part + 1) * kPart); ++i) body(i);
  });
}

constexpr double kLongestPart = 1 << 15;  // pixels
constexpr double kMostNodes = 1 << 17;    // of a lattice, along a side of a part

// Pixels of a side of a part, whole tiles, where nodes are so many pixels apart.
int part_side(double pitch) {
  return std::max(1, static_cast<int>(std::min(kLongestPart, kMostNodes * pitch) / kTileSize)) * kTileSize;
}

bool shows_all(const View& view, const Scene& scene) {
  return view.left <= 0 && view.top <= 0 && view.width >= scene.width * view.zoom &&
         view.height >= scene.height * view.zoom * view.aspect;
}

}  // namespace

Renderer::Renderer(const Scene& scene, const Parallel& parallel, Views views)
    : scene_(scene), views_(views), pyramid_(scene.lattice), turns_(scene.splats.count) {
  for_parts(scene.splats.count, parallel, [&](size_t i) { turns_[i] = turn_of(scene.splats[i]); });
}

const SplatIndex& Renderer::index() const {
  std::call_once(indexed_, [this] { index_ = SplatIndex(scene_.splats, scene_.width, scene_.height); });
  return index_;
}

Buffer<PixelSplat> Renderer::project_seen(const View& view, const Parallel& parallel) const {
  const bool all = shows_all(view, scene_);
  const std::vector<uint32_t> ids = all ? std::vector<uint32_t>() : index().seen_by(view);
  Buffer<PixelSplat> splats(all ? scene_.splats.count : ids.size());
  for_parts(splats.size(), parallel, [&](size_t i) {
    const size_t id = all ? i : ids[i];
    Axes axes;
    project(scene_.splats[id], turns_[id], view, splats[i], axes);
  });
  return splats;
}

// What lies beside a view's sides (weights of the nodes that reach it, counts of its tiles) is bounded by drawing long
// views in parts; it also keeps the coordinates of all pixels exact to 2^-8 px in single precision.
void Renderer::render(const View& view, const Surface& surface, double work, const Parallel& parallel) const {
  Ledger ledger = ledger_for(view, scene_.splats.count, work);
  const double down = view.zoom * view.aspect;
  const LatticeValues lattice =
      views_ == Views::kMany ? pyramid_.for_zoom(std::max(view.zoom, down), view.blur, parallel) : scene_.lattice;
  const double spacing = std::ldexp(std::max(1, lattice.shape.spacing), lattice.shape.level);
  const int columns = part_side(spacing * view.zoom), rows = part_side(spacing * down);
  for (int y = 0; y < view.height; y += rows) {
    for (int x = 0; x < view.width; x += columns) {
      View part = view;
      part.width = std::min(columns, view.width - x);
      part.height = std::min(rows, view.height - y);
      if (x > 0) part.left += x / view.zoom;
      if (y > 0) part.top += y / down;
      render_part(part, lattice, part_of(surface, x, y), ledger, parallel);
    }
  }
  if (scene_.blocks) scene_.blocks->draw(view, surface, parallel);
}

void Renderer::render_part(const View& part, const LatticeValues& lattice, const Surface& surface, Ledger& ledger,
                           const Parallel& parallel) const {
  const Canvas canvas(part, 0, lattice);
  draw(Frame(canvas, project_seen(part, parallel), parallel, ledger), surface, parallel);
}

}  // namespace smartsplat
