// Views at the edges of what there is, of files that are mostly valid.
#include <cmath>
#include <cstring>

#include "container/header.h"
#include "fuzz/exercise.h"
#include "fuzz/mutations.h"
#include "fuzz/target.h"

namespace {

void mutate(std::vector<uint8_t>& file, size_t most, Random& random) {
  std::optional<Draft> draft = read_draft(file);
  if (!draft || random.one_in(16)) {
    mutate_bytes(file, most);
    repair(file);
    return;
  }
  if (draft->chunks.empty() || random.one_in(2)) {
    mutate_size(*draft, random);
  } else {
    mutate_bytes(draft->chunks[random.below(draft->chunks.size())], most);
  }
  file = write_draft(*draft);
}

// The same with another number of threads, and from a file that has not decoded anything yet.
void check_same(const Input& input, Request request, const std::vector<uint8_t>& pixels) {
  request.threads = request.threads == 1 ? 2 : 1;
  request.flags &= ~uint32_t{Request::kInterrupt};
  const OpenFile fresh = open_both_ways(input.file);
  const auto again = ask_view(fresh.get(), request, true);
  promise(again && *again == pixels);
}

// Samples of 8 bits are those of floats, rounded. At the edge of a block, in a view that is scaled, what is beneath was
// rounded before.
void check_rounding(smartsplat_file* file, Request request, const std::vector<uint8_t>& pixels, bool blocks) {
  const float most = blocks ? 1.001f : 0.501f;
  request.format = request.format == SMARTSPLAT_GREY8 ? SMARTSPLAT_GREY_F32 : SMARTSPLAT_RGB_F32;
  request.flags &= ~uint32_t{Request::kInterrupt};
  const auto floats = ask_view(file, request, true);
  promise(floats && floats->size() == pixels.size() * sizeof(float));
  for (size_t i = 0; i < pixels.size(); ++i) {
    float value;
    std::memcpy(&value, floats->data() + i * sizeof value, sizeof value);
    promise(value >= 0 && value <= 1 && std::abs(255 * value - static_cast<float>(pixels[i])) <= most);
  }
}

void examine(const Input& input) {
  const OpenFile file = open_both_ways(input.file);
  const auto info = file ? ask_info(file.get(), input.file.size()) : std::nullopt;
  if (!info || !is_feasible(*info, input.is_large())) return;
  const bool valid = ask_streams(file.get(), *info), blocks = smartsplat::read_map(input.file).header.blocks;
  for (const Request& request : input.requests) {
    const auto pixels = ask_view(file.get(), request, valid);
    if (!pixels || request.is(Request::kLarge)) continue;
    check_same(input, request, *pixels);
    if (request.format <= SMARTSPLAT_RGB8) check_rounding(file.get(), request, *pixels, blocks);
  }
}

}  // namespace

const Target kTarget = {mutate, 13, examine};
