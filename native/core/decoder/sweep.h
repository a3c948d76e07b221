// A whole picture at its full size, from top to bottom, without all of it in memory at once.
#pragma once

#include <mutex>
#include <vector>

#include "coding/lattice_rows.h"
#include "decoder/file.h"
#include "rendering/canvas.h"
#include "rendering/frame.h"

namespace smartsplat {

// Draws once what a Picture's renderer would draw, with the same samples. Not for several threads at once, but it uses
// as many as it is given.
class Sweep {
 public:
  // Whether a file's lattice is one of several tiers, of a size that is drawn in one piece, and has no more nodes than
  // its bytes allow (see budget.h): parts of one that has may be drawn.
  static bool serves(const File& file, double work);

  // The file's bytes must live as long. Throws Error as File does, here and in draw(); see budget.h for `work`.
  Sweep(const File& file, double work, const Parallel& parallel);

  // The next rows: whole rows of tiles, unless they are the picture's last ones. After an error nothing more.
  void draw(int rows, const Surface& surface, const Parallel& parallel);

 private:
  // Takes memory for the nodes of a block of tiles, and gives it back.
  class Room;

  int drawable() const;  // rows of the picture whose nodes can be joined
  void draw_block(const Tile& block, const Surface& surface, const Parallel& parallel);

  const File file_;
  const LatticeHead head_;
  const Blocks blocks_;
  const Canvas canvas_;
  const Frame frame_;
  LatticeRows nodes_;
  int next_ = 0;  // row of the picture
  std::mutex lock_;
  std::vector<Buffer<float>> rooms_;  // that nobody uses
  size_t lent_ = 0;                   // rooms that there are, or have been asked for
};

}  // namespace smartsplat
