// The alpha of a picture: a grey picture of the same size, a whole file at the end of the other.
#pragma once

#include <memory>
#include <string>

#include "decoder/file.h"

namespace smartsplat {

// Does what has to do with an alpha picture; says of its errors that they are of that.
template <class Work>
auto in_alpha(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.kind(), std::string("the alpha picture: ") + error.what());
  }
}

// Throw Error of the kind kFormat if an alpha picture is not grey, has another size, or has an alpha picture itself,
// and the second one if its file is not valid; nothing further in is looked at then. That is of the file of the alpha
// picture in a file of that map, which has one.
void check_alpha(const Header& alpha, const Header& picture);
std::shared_ptr<const File> open_alpha(Bytes bytes, const FileMap& map);

}  // namespace smartsplat
