// Gradients of a tile of splats that lie over each other.
#pragma once

#include <cstddef>
#include <vector>

#include "blending/kernels/table.h"
#include "blending/room.h"

namespace smartsplat {

// The list of a tile in chunks, of which what reaches every pixel of every splat is kept for one at a time: it would
// be too much for all of them where thousands of large splats lie over each other.
template <class Real>
class Layers {
 public:
  // Goes through all chunks. The colours of the list do not matter.
  Layers(const BlendList<Real>& list, const BlendTile<Real>& tile);

  // How many splats can be seen; the others get no sums.
  size_t seen() const { return chunks_.back().end; }

  // Puts the sums of a part of the channels, whose colours are those of the list, into the slots.
  void gather(const BlendList<Real>& list, const BlendTile<Real>& tile, int channels, const BlendSlots<Real>& slots);

 private:
  struct Chunk {
    size_t begin, end;
    std::vector<Real> through;  // before its first splat
  };

  Descent descend(const BlendList<Real>& list, const BlendTile<Real>& tile, const Chunk& chunk);

  BlendRoom<Real>& room_;
  std::vector<Chunk> chunks_;
  size_t kept_ = 0;  // the chunk that room_.kept is of
};

}  // namespace smartsplat
