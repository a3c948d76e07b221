// The alpha of a picture: a grey picture of the same size, a whole file at the end of the other.
#pragma once

#include <memory>
#include <optional>

#include "decoder/file.h"

namespace smartsplat {

// The file of the alpha picture in a file of that map, which has one. Throws Error of the kind kFormat if it is not
// valid, is not grey, has another size, or has an alpha picture itself; nothing further in is looked at then.
std::shared_ptr<const File> open_alpha(Bytes bytes, const FileMap& map);

// A decoded file that serves views, with its alpha if it has one.
class PictureWithAlpha {
 public:
  PictureWithAlpha(const File& file, double work, const Parallel& parallel);

  const Picture& picture() const { return picture_; }

  // Draws a view; a surface of four channels gets the alpha. See Renderer.
  void render(const View& view, const Surface& surface, double work, const Parallel& parallel) const;

 private:
  Picture picture_;
  std::optional<Picture> alpha_;
};

}  // namespace smartsplat
