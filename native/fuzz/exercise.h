// What the fuzz targets do with a file: all that the C face offers. Whatever is not as smartsplat.h promises aborts.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "capi/smartsplat.h"
#include "container/bytes.h"
#include "fuzz/input.h"

void promise(bool kept);

struct Closer {
  void operator()(smartsplat_file* file) const { smartsplat_close(file); }
};
using OpenFile = std::unique_ptr<smartsplat_file, Closer>;

// Opens it from memory and through a callback, which must agree. Null if it is refused.
OpenFile open_both_ways(smartsplat::Bytes file);

// Nothing if a section's head is not valid. The metadata are read as well.
std::optional<smartsplat_info> ask_info(const smartsplat_file* file, size_t bytes);

// Whether decoding all of it is no more work than an input may take.
bool is_feasible(const smartsplat_info& info, bool large);

// Whether the streams are valid; both questions must agree on it.
bool ask_streams(smartsplat_file* file, const smartsplat_info& info);

// Decodes what a request names, if that is not too large: rows of samples without what stood between them. Nothing if
// it was refused, which it must not be without a reason; `valid` are the streams.
std::optional<std::vector<uint8_t>> ask_view(smartsplat_file* file, const Request& request, bool valid,
                                             bool parts = false);

// All of this; then `further`, if the streams are valid.
void exercise(const Input& input, void (*further)(const Input& input) = nullptr);
