#include "decoder/renderer.h"

#include <algorithm>
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

bool shows_all(const View& view, const Scene& scene) {
  return view.left <= 0 && view.top <= 0 && view.width >= scene.width * view.zoom &&
         view.height >= scene.height * view.zoom * view.aspect;
}

}  // namespace

Renderer::Renderer(const Scene& scene, const Parallel& parallel) : scene_(scene), turns_(scene.splats.count) {
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

void Renderer::render(const View& view, const Surface& surface, const Parallel& parallel) const {
  const Canvas canvas(view, 0, scene_.lattice);
  draw(Frame(canvas, project_seen(view, parallel), parallel), surface, parallel);
}

}  // namespace smartsplat
