#include "fuzz/exercise.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace {

constexpr uint64_t kFewPixels = 1 << 12, kManyPixels = 1 << 20;  // of a view
constexpr uint64_t kFewNodes = 1 << 16, kManyNodes = 1'100'000;  // of a lattice; there are strips from 2^20 on
constexpr uint64_t kMostPixels = 400'000'000;                    // of a picture with a lattice, by default
constexpr int kCalls = 3;                                        // of the interrupt until it ends the decoding
constexpr uint8_t kUntouched = 0xA5;

// A failure has a line of text, and a success none.
smartsplat_status checked(smartsplat_status status, const smartsplat_error& error) {
  promise(status == error.status && status != SMARTSPLAT_FAILED);
  const size_t length = strnlen(error.text, sizeof error.text);
  promise(length < sizeof error.text && (length > 0) == (status != SMARTSPLAT_OK) && !std::strchr(error.text, '\n'));
  return status;
}

int end_soon(void* calls) { return ++*static_cast<int*>(calls) > kCalls; }

int copy_part(void* context, uint64_t offset, void* buffer, size_t count) {
  const auto& bytes = *static_cast<const smartsplat::Bytes*>(context);
  promise(offset <= bytes.size() && count <= bytes.size() - offset);
  std::copy_n(bytes.data() + offset, count, static_cast<uint8_t*>(buffer));
  return 0;
}

void ask_metadata(const smartsplat_file* file) {
  for (const smartsplat_metadata_kind kind : {SMARTSPLAT_ICC, SMARTSPLAT_EXIF, SMARTSPLAT_XMP, SMARTSPLAT_RESOLUTION,
                                              SMARTSPLAT_COLOUR_CODE, SMARTSPLAT_OVERVIEW}) {
    smartsplat_error error;
    const void* bytes;
    size_t size;
    const smartsplat_status status = checked(smartsplat_get_metadata(file, kind, &bytes, &size, &error), error);
    promise(status == SMARTSPLAT_OK || status == SMARTSPLAT_BAD_FILE);  // its checksum is looked at here
    if (status) continue;
    smartsplat_range range;
    promise(!checked(smartsplat_get_metadata_range(file, kind, &range, &error), error) && range.size == size);
    size_t sum = 0;
    for (size_t i = 0; i < size; ++i) sum += static_cast<const uint8_t*>(bytes)[i];
    promise(sum <= 255 * size);  // so that all of them are read
  }
}

smartsplat_status ask_integers(const smartsplat_file* file) {
  smartsplat_error error;
  size_t count, same;
  const smartsplat_status told = checked(smartsplat_get_integers(file, nullptr, 0, &count, &error), error);
  if (told) return told;
  std::vector<int32_t> integers(count);
  const smartsplat_status status = checked(smartsplat_get_integers(file, integers.data(), count, &same, &error), error);
  promise(status || same == count);
  return status;
}

// What is valid may still be too large.
void ask_splats(smartsplat_file* file, const smartsplat_info& info, smartsplat_status integers) {
  smartsplat_error error;
  std::vector<float> rows(8 * info.splats);
  const smartsplat_status status =
      checked(smartsplat_get_splats(file, rows.data(), rows.size(), nullptr, &error), error);
  const bool large = info.lattice_spacing > 0 && uint64_t{info.width} * info.height > kMostPixels;
  promise(status == (large ? SMARTSPLAT_TOO_LARGE : integers));
  promise(status || std::all_of(rows.begin(), rows.end(), [](float number) { return std::isfinite(number); }));
}

std::optional<smartsplat_view> view_of(const smartsplat_file* file, const Request& r) {
  if (r.is(Request::kOwnView)) {
    return smartsplat_view{r.sides[0], r.sides[1], r.view[0], r.view[1], r.view[2], r.view[3], r.view[4], 0};
  }
  const smartsplat_region region = {r.region[0], r.region[1], r.region[2], r.region[3]};
  smartsplat_error error;
  smartsplat_view view;
  const smartsplat_region* part = r.is(Request::kWhole) ? nullptr : &region;
  if (checked(smartsplat_make_view(file, part, r.scale, &view, &error), error)) return std::nullopt;
  promise(view.width > 0 && view.height > 0);
  view.draft = static_cast<uint32_t>(view.width) % 3;
  return view;
}

// Whether the streams of an alpha picture are decoded, too.
bool shows_alpha(const smartsplat_file* file, const Request& request) {
  smartsplat_info info;
  smartsplat_get_info(file, &info, nullptr);
  return info.alpha == 1 && (request.format == SMARTSPLAT_RGBA8 || request.format == SMARTSPLAT_RGBA16 ||
                             request.format == SMARTSPLAT_RGBA_F32);
}

uint64_t pixels_of(const smartsplat_file* file) {
  smartsplat_info info;
  smartsplat_get_info(file, &info, nullptr);
  return uint64_t{info.width} * info.height;
}

// Rows of pixels with a gap behind each, in memory that ends where they end.
class Rows {
 public:
  Rows(const smartsplat_view& view, const Request& request) {
    static constexpr size_t kSamples[] = {1, 1, 1, 4, 4, 2, 2, 2, 4}, kChannels[] = {1, 3, 4, 1, 3, 1, 3, 4, 4};
    const bool known = request.format < std::size(kSamples);
    const size_t sample = known ? kSamples[request.format] : 1;
    row_ = (known ? kChannels[request.format] : 1) * sample * static_cast<size_t>(view.width);
    stride_ = row_ + size_t{request.gap} * sample;
    rows_ = static_cast<size_t>(view.height);
    bytes_.resize(stride_ * (rows_ - 1) + row_, kUntouched);
  }

  uint8_t* data() { return bytes_.data(); }
  size_t stride() const { return stride_; }

  // The rows alone; what is between them must be as it was.
  std::vector<uint8_t> packed() const {
    std::vector<uint8_t> pixels;
    for (size_t y = 0; y < rows_; ++y) {
      const auto row = bytes_.begin() + static_cast<ptrdiff_t>(y * stride_);
      const auto end = row + static_cast<ptrdiff_t>(row_);
      pixels.insert(pixels.end(), row, end);
      if (y + 1 == rows_) break;
      promise(std::all_of(end, row + static_cast<ptrdiff_t>(stride_), [](uint8_t b) { return b == kUntouched; }));
    }
    return pixels;
  }

 private:
  size_t row_, stride_, rows_;
  std::vector<uint8_t> bytes_;
};

}  // namespace

void promise(bool kept) {
  if (!kept) std::abort();
}

OpenFile open_both_ways(smartsplat::Bytes bytes) {
  smartsplat_error error, same;
  smartsplat_file *file = nullptr, *other = nullptr;
  const smartsplat_source source = {&bytes, bytes.size(), copy_part};
  const smartsplat_status status = checked(smartsplat_open_memory(bytes.data(), bytes.size(), &file, &error), error);
  promise(checked(smartsplat_open_source(&source, &other, &same), same) == status);
  promise(std::strcmp(error.text, same.text) == 0);
  promise((file != nullptr) == (status == SMARTSPLAT_OK) && (other != nullptr) == (status == SMARTSPLAT_OK));
  smartsplat_close(other);
  return OpenFile(file);
}

std::optional<smartsplat_info> ask_info(const smartsplat_file* file, size_t bytes) {
  smartsplat_error error;
  smartsplat_info info;
  ask_metadata(file);
  if (checked(smartsplat_get_info(file, &info, &error), error)) return std::nullopt;
  promise(8 <= info.bits && info.bits <= 16 && info.alpha <= 1);
  promise(info.bytes == bytes && info.width > 0 && info.height > 0 && (info.channels == 1 || info.channels == 3));
  return info;
}

bool is_feasible(const smartsplat_info& info, bool large) {
  if (info.lattice_spacing == 0) return true;
  const auto nodes = [&](uint32_t side) { return (uint64_t{side} + info.lattice_spacing - 1) / info.lattice_spacing; };
  return nodes(info.width) * nodes(info.height) <= (large ? kManyNodes : kFewNodes);
}

bool ask_streams(smartsplat_file* file, const smartsplat_info& info) {
  const smartsplat_status integers = ask_integers(file);
  ask_splats(file, info, integers);
  return integers == SMARTSPLAT_OK;
}

std::optional<std::vector<uint8_t>> ask_view(smartsplat_file* file, const Request& request, bool valid, bool parts) {
  const std::optional<smartsplat_view> view = view_of(file, request);
  const bool alpha = shows_alpha(file, request);
  if (!view || (alpha && pixels_of(file) > kManyNodes)) return std::nullopt;
  const uint64_t most = request.is(Request::kLarge) ? kManyPixels : kFewPixels;
  const bool fits = view->width > 0 && view->height > 0 &&
                    static_cast<uint64_t>(view->width) * static_cast<uint64_t>(view->height) <= most;
  Rows rows(fits ? *view : smartsplat_view{1, 1, 1, 0, 0, 0, 1, 0}, request);
  int calls = 0;
  const smartsplat_options options = {request.threads, most, request.is(Request::kInterrupt) ? end_soon : nullptr,
                                      &calls, 0};
  const size_t stride = fits ? rows.stride() : size_t{1} << 40;
  smartsplat_error error;
  const smartsplat_status status =
      checked(smartsplat_decode(file, &*view, static_cast<smartsplat_format>(request.format), rows.data(), stride,
                                &options, &error),
              error);
  promise(status != SMARTSPLAT_OK || (fits && (valid || parts)));  // what is damaged may lie elsewhere
  promise(status != SMARTSPLAT_BAD_FILE || !valid || alpha);
  promise(status != SMARTSPLAT_INTERRUPTED || calls > kCalls);
  if (status != SMARTSPLAT_OK) return std::nullopt;
  return rows.packed();
}

// Ranges are in order and within the file, and a decoding reads nothing else.
void ask_ranges(const smartsplat_file* file, const smartsplat_view& view, uint64_t bytes) {
  smartsplat_error error;
  size_t count = 0, same = 0;
  if (checked(smartsplat_get_ranges(file, &view, nullptr, 0, &count, &error), error)) return;
  std::vector<smartsplat_range> ranges(count);
  promise(!checked(smartsplat_get_ranges(file, &view, ranges.data(), count, &same, &error), error) && same == count);
  uint64_t end = 0;
  for (const smartsplat_range& range : ranges) {
    promise(range.size > 0 && range.offset >= end && range.size <= bytes && range.offset <= bytes - range.size);
    end = range.offset + range.size;
  }
}

// A part of the file, as the whole has it, or refused.
void ask_part(smartsplat::Bytes bytes, const Request& request, bool valid) {
  const smartsplat_source source = {&bytes, bytes.size(), copy_part};
  smartsplat_error error;
  smartsplat_file* opened = nullptr;
  promise(!checked(smartsplat_open_ranges(&source, &opened, &error), error));  // as the whole was
  const OpenFile file(opened);
  if (const std::optional<smartsplat_view> view = view_of(opened, request)) ask_ranges(opened, *view, bytes.size());
  const auto pixels = ask_view(opened, request, valid, true);
  const auto again = ask_view(opened, request, valid, true);  // from chunks that are kept
  promise(!pixels || !again || *pixels == *again);
}

void exercise(const Input& input, void (*further)(const Input& input)) {
  const OpenFile file = open_both_ways(input.file);
  const auto info = file ? ask_info(file.get(), input.file.size()) : std::nullopt;
  if (!info || !is_feasible(*info, input.is_large())) return;
  const bool valid = ask_streams(file.get(), *info);
  for (const Request& request : input.requests) ask_view(file.get(), request, valid);
  if (!input.requests.empty()) ask_part(input.file, input.requests.front(), valid);
  if (valid && further) further(input);
}
