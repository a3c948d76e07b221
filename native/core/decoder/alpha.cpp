#include "decoder/alpha.h"

#include <string>

namespace smartsplat {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kFormat, text); }

void check_fits(const Header& alpha, const Header& picture) {
  if (alpha.width != picture.width || alpha.height != picture.height) {
    refuse("has " + std::to_string(alpha.width) + " x " + std::to_string(alpha.height) + " pixels, the picture " +
           std::to_string(picture.width) + " x " + std::to_string(picture.height));
  }
  if (!alpha.grey) refuse("is not grey");
  if (alpha.alpha) refuse("has an alpha picture itself");
}

// Says of an error that it is in the alpha picture.
template <class Work>
auto naming(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.kind(), std::string("the alpha picture: ") + error.what());
  }
}

}  // namespace

std::shared_ptr<const File> open_alpha(Bytes bytes, const FileMap& map) {
  return naming([&] {
    const Bytes nested = bytes.subspan(static_cast<size_t>(map.alpha.at), static_cast<size_t>(map.alpha.length));
    check_fits(read_map(nested).header, map.header);  // before it is opened: it cannot have one in turn
    return std::make_shared<const File>(nested);
  });
}

PictureWithAlpha::PictureWithAlpha(const File& file, double work, const Parallel& parallel)
    : picture_(file, work, parallel) {
  if (const File* alpha = file.alpha()) naming([&] { alpha_.emplace(*alpha, work, parallel); });
}

void PictureWithAlpha::render(const View& view, const Surface& surface, double work, const Parallel& parallel) const {
  picture_.renderer().render(view, surface, work, parallel);
  if (alpha_ && surface.channels == 4) alpha_->renderer().render(view, channel_of(surface, 3), work, parallel);
}

}  // namespace smartsplat
