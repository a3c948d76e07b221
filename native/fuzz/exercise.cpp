#include "fuzz/exercise.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "capi/smartsplat.h"

namespace {

constexpr uint64_t kMostPixels = 1 << 14;  // of a view
constexpr uint64_t kMostArea = 1'100'000;  // of a picture whose lattice is decoded; there are strips from 2^20 on
constexpr int kCalls = 3;                  // of the interrupt until it ends the decoding

void promise(bool kept) {
  if (!kept) std::abort();
}

// A failure has a line of text, and a success none.
smartsplat_status checked(smartsplat_status status, const smartsplat_error& error) {
  promise(status == error.status && status != SMARTSPLAT_FAILED);
  const size_t length = strnlen(error.text, sizeof error.text);
  promise(length < sizeof error.text && (length > 0) == (status != SMARTSPLAT_OK) && !std::strchr(error.text, '\n'));
  return status;
}

int end_soon(void* calls) { return ++*static_cast<int*>(calls) > kCalls; }

smartsplat_file* open(const uint8_t* bytes, size_t size) {
  smartsplat_error error;
  smartsplat_file* file = nullptr;
  if (checked(smartsplat_open_memory(bytes, size, &file, &error), error)) promise(!file);
  return file;
}

void ask_metadata(const smartsplat_file* file) {
  for (const smartsplat_metadata_kind kind : {SMARTSPLAT_ICC, SMARTSPLAT_EXIF}) {
    smartsplat_error error;
    const void* bytes;
    size_t size;
    promise(checked(smartsplat_get_metadata(file, kind, &bytes, &size, &error), error) == SMARTSPLAT_OK);
    size_t sum = 0;
    for (size_t i = 0; i < size; ++i) sum += static_cast<const uint8_t*>(bytes)[i];
    promise(sum <= 255 * size);  // so that all of them are read
  }
}

// Whether the streams are valid.
bool ask_integers(const smartsplat_file* file) {
  smartsplat_error error;
  size_t count, same;
  if (checked(smartsplat_get_integers(file, nullptr, 0, &count, &error), error)) return false;
  std::vector<int32_t> integers(count);
  if (checked(smartsplat_get_integers(file, integers.data(), count, &same, &error), error)) return false;
  promise(same == count);
  return true;
}

bool ask_splats(smartsplat_file* file, uint64_t count) {
  smartsplat_error error;
  std::vector<float> rows(8 * count);
  if (checked(smartsplat_get_splats(file, rows.data(), rows.size(), nullptr, &error), error)) return false;
  promise(std::all_of(rows.begin(), rows.end(), [](float number) { return std::isfinite(number); }));
  return true;
}

smartsplat_region region_of(const smartsplat_info& info, Choices& choices) {
  const double x = choices.fraction() * info.width, y = choices.fraction() * info.height;
  return {x, y, choices.fraction() * (info.width - x), choices.fraction() * (info.height - y)};
}

void decode_view(smartsplat_file* file, const smartsplat_info& info, Choices& choices, bool valid) {
  const uint8_t kind = choices.byte();
  const smartsplat_region region = region_of(info, choices);
  const double side = std::max(info.width, info.height);
  const double scale = std::exp2(16 * choices.fraction() - 8) * (kind & 64 ? 100 / side : 1);
  smartsplat_error error;
  smartsplat_view view;
  if (checked(smartsplat_make_view(file, kind & 128 ? nullptr : &region, scale, &view, &error), error)) return;
  promise(view.width > 0 && view.height > 0);
  int calls = 0;
  const smartsplat_options options = {1u + (kind >> 3 & 1), kMostPixels, kind & 16 ? end_soon : nullptr, &calls, 0};
  const bool small = static_cast<uint64_t>(view.width) * static_cast<uint64_t>(view.height) <= kMostPixels;
  const auto format = static_cast<smartsplat_format>(kind % 5);
  const size_t sizes[] = {1, 3, 4, 4, 12};
  const size_t row = small ? sizes[format] * static_cast<size_t>(view.width) : 0;
  const size_t stride = small ? row + 4 * (kind >> 5 & 1) : size_t{1} << 40;
  std::vector<float> room(small ? stride * static_cast<size_t>(view.height) / sizeof(float) + 1 : 1);
  const smartsplat_status status =
      checked(smartsplat_decode(file, &view, format, room.data(), stride, &options, &error), error);
  promise(small || status == SMARTSPLAT_TOO_LARGE || status == SMARTSPLAT_BAD_VIEW);
  promise(valid || status != SMARTSPLAT_OK);
}

}  // namespace

void exercise(const uint8_t* bytes, size_t size, Choices& choices) {
  smartsplat_file* file = open(bytes, size);
  if (!file) return;
  smartsplat_error error;
  smartsplat_info info;
  if (checked(smartsplat_get_info(file, &info, &error), error) == SMARTSPLAT_OK) {
    promise(info.bytes == size && info.width > 0 && info.height > 0 && (info.channels == 1 || info.channels == 3));
    ask_metadata(file);
    if (info.lattice_spacing == 0 || uint64_t{info.width} * info.height <= kMostArea) {
      const bool valid = ask_integers(file);
      promise(ask_splats(file, info.splats) == valid);
      for (int i = 0; i < (valid ? 3 : 1); ++i) decode_view(file, info, choices, valid);
    }
  }
  smartsplat_close(file);
}
