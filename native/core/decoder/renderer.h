// Serves views of one picture: what does not depend on the view is done once.
#pragma once

#include <mutex>

#include "common/memory.h"
#include "common/parallel.h"
#include "decoder/blocks.h"
#include "decoder/budget.h"
#include "decoder/splat_index.h"
#include "lattice/pyramid.h"
#include "model/model.h"
#include "rendering/surface.h"
#include "rendering/view.h"

namespace smartsplat {

// A picture to render; somebody else owns the numbers.
struct Scene {
  int width = 0, height = 0;
  SplatRows splats;
  LatticeValues lattice;
  const Blocks* blocks = nullptr;  // null if there are none
};

// Whether a renderer is for many views: then views of a small scale are drawn of fewer nodes, see lattice/pyramid.h.
enum class Views { kFew, kMany };

// To its users immutable, so any number of threads may render at once. The scene's memory must live as long.
class Renderer {
 public:
  Renderer(const Scene& scene, const Parallel& parallel, Views views = Views::kFew);

  // Renders a view, see view_of(). A view costs what it shows, not what the picture holds. Throws Error of the kind
  // kLimit if that is more than a view of its size should; see budget.h for `work`.
  void render(const View& view, const Surface& surface, double work, const Parallel& parallel) const;

 private:
  void render_part(const View& part, const LatticeValues& lattice, const Surface& surface, Ledger& ledger,
                   const Parallel& parallel) const;

  Buffer<PixelSplat> project_seen(const View& view, const Parallel& parallel) const;

  const SplatIndex& index() const;

  Scene scene_;
  Views views_;
  LatticePyramid pyramid_;
  Buffer<Turn> turns_;
  mutable std::once_flag indexed_;  // by the first view of a part: whoever wants all of it needs no index
  mutable SplatIndex index_;
};

}  // namespace smartsplat
