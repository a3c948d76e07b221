#include "decoder/pieces.h"

#include <algorithm>
#include <string>

namespace smartsplat {
namespace {

[[noreturn]] void miss(const Extent& extent) {
  throw Error(ErrorKind::kRead, "the file's bytes from " + std::to_string(extent.at) + " on are not there");
}

}  // namespace

ByteSource Pieces::source() const {
  return [this](const Extent& extent) -> Bytes {
    const auto after = std::partition_point(pieces_.begin(), pieces_.end(),
                                            [&extent](const auto& piece) { return piece.first <= extent.at; });
    if (after == pieces_.begin()) miss(extent);
    const auto& [at, bytes] = *std::prev(after);
    if (extent.end() - at > bytes.size()) miss(extent);
    return bytes.subspan(static_cast<size_t>(extent.at - at), static_cast<size_t>(extent.end() - extent.at));
  };
}

ByteSource nowhere() {
  return [](const Extent& extent) -> Bytes { miss(extent); };
}

}  // namespace smartsplat
