#include "decoder/alpha.h"

#include <string>

namespace smartsplat {
namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::kFormat, text); }

}  // namespace

void check_alpha(const Header& alpha, const Header& picture) {
  if (alpha.width != picture.width || alpha.height != picture.height) {
    refuse("has " + std::to_string(alpha.width) + " x " + std::to_string(alpha.height) + " pixels, the picture " +
           std::to_string(picture.width) + " x " + std::to_string(picture.height));
  }
  if (!alpha.grey) refuse("is not grey");
  if (alpha.alpha) refuse("has an alpha picture itself");
}

std::shared_ptr<const File> open_alpha(Bytes bytes, const FileMap& map) {
  return in_alpha([&] {
    const Bytes nested = bytes.subspan(static_cast<size_t>(map.alpha.at), static_cast<size_t>(map.alpha.length));
    check_alpha(read_map(nested).header, map.header);  // before it is opened: it cannot have one in turn
    return std::make_shared<const File>(nested);
  });
}

}  // namespace smartsplat
