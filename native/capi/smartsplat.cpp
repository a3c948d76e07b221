#include "capi/smartsplat.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "decoder/alpha.h"
#include "decoder/file.h"
#include "decoder/part.h"
#include "decoder/pieces.h"

using namespace smartsplat;

namespace {

// Gives what somebody else's callback reads.
class Callback {
 public:
  explicit Callback(const smartsplat_source& source) : source_(source) {
    require(source.read && source.size <= SIZE_MAX / 2, "a source needs a callback and a size");
  }

  uint64_t size() const { return source_.size; }
  // Makes the bytes, which begin the file, so many.
  void extend(std::vector<uint8_t>& bytes, uint64_t count) const {
    const size_t known = bytes.size();
    bytes.resize(static_cast<size_t>(std::max<uint64_t>(known, std::min(count, size()))));
    read(known, bytes.data() + known, bytes.size() - known);
  }
  std::vector<uint8_t> part(const ByteRange& range) const {
    std::vector<uint8_t> bytes(static_cast<size_t>(range.length));
    read(range.at, bytes.data(), bytes.size());
    return bytes;
  }

 private:
  void read(uint64_t from, uint8_t* to, size_t count) const {
    if (count > 0 && source_.read(source_.context, from, to, count) != 0) {
      throw Error(ErrorKind::kRead, "the file cannot be read");
    }
  }

  const smartsplat_source source_;
};

// The first bytes, unless these show that it is no file of ours.
std::vector<uint8_t> beginning(const Callback& callback) {
  std::vector<uint8_t> bytes;
  callback.extend(bytes, kMagic.size());
  if (!begins_like_a_file(bytes)) throw Error(ErrorKind::kFormat, "not an .ssplat file");
  return bytes;
}

std::vector<uint8_t> whole(const Callback& callback) {
  std::vector<uint8_t> bytes = beginning(callback);
  callback.extend(bytes, callback.size());
  return bytes;
}

std::vector<uint8_t> front(const Callback& callback) {
  std::vector<uint8_t> bytes = beginning(callback);
  callback.extend(bytes, kLongestStart);
  callback.extend(bytes, head_length(bytes));
  return bytes;
}

}  // namespace

// A picture that is decoded by the first that asks; the others wait for it, and whoever comes later takes no lock.
class Decoded {
 public:
  template <class Decode>
  const Picture& picture(Decode decode) {
    if (const Picture* found = decoded_.load()) return *found;
    std::lock_guard lock(decoding_);
    if (!owner_) owner_ = decode();
    decoded_ = owner_.get();
    return *owner_;
  }

 private:
  std::mutex decoding_;
  std::unique_ptr<const Picture> owner_;
  std::atomic<const Picture*> decoded_{nullptr};
};

// The bytes, what they say, and the pictures once they are decoded.
struct smartsplat_file {
  explicit smartsplat_file(std::vector<uint8_t> contents) : bytes(std::move(contents)), file(bytes) {}
  smartsplat_file(std::vector<uint8_t> front, const Callback& rest)
      : ranges(rest), bytes(std::move(front)), file(bytes, rest.size(), nowhere()) {}

  // Calls use(file) with one that has all its bytes.
  template <class Use>
  auto with_all(Use use) const {
    if (!ranges) return use(file);
    const std::vector<uint8_t> all = ranges->part({0, ranges->size()});
    return use(File(all));
  }

  // Metadata of a file of ranges, kept because callers may look at it as long as the file is open.
  std::optional<Bytes> metadata(uint8_t kind) const {
    const std::optional<Extent> extent = ranges ? file.metadata_extent(kind) : std::nullopt;
    if (!extent || extent->length == 0) return file.metadata(kind);
    std::lock_guard lock(reading_);
    std::vector<uint8_t>& kept = metadata_[kind];
    if (kept.empty()) kept = ranges->part({extent->at, extent->end() - extent->at});
    return file.with([&kept](const Extent&) { return Bytes(kept); }).metadata(kind);
  }

  const std::optional<Callback> ranges;  // where not all bytes are here
  const std::vector<uint8_t> bytes;
  const File file;
  Decoded colours, alpha;
  DecodedChunks kept{kKeptBytes};  // of ranges

 private:
  mutable std::mutex reading_;
  mutable std::array<std::vector<uint8_t>, 256> metadata_;  // by kind
};

namespace {

constexpr uint64_t kDefaultPixels = 400'000'000;
constexpr double kDefaultWork = 1;

smartsplat_status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kArgument:
      return SMARTSPLAT_BAD_ARGUMENT;
    case ErrorKind::kFormat:
      return SMARTSPLAT_BAD_FILE;
    case ErrorKind::kView:
      return SMARTSPLAT_BAD_VIEW;
    case ErrorKind::kLimit:
      return SMARTSPLAT_TOO_LARGE;
    case ErrorKind::kRead:
      return SMARTSPLAT_READ_FAILED;
    case ErrorKind::kCancelled:
      return SMARTSPLAT_INTERRUPTED;
  }
  return SMARTSPLAT_FAILED;
}

smartsplat_status report(smartsplat_error* error, smartsplat_status status, const char* text) {
  if (error) {
    error->status = status;
    std::snprintf(error->text, sizeof error->text, "%s", text);
  }
  return status;
}

// Runs work() and turns what it throws into a status: no exception leaves the library.
template <class Work>
smartsplat_status guarded(smartsplat_error* error, Work work) noexcept {
  try {
    work();
    return report(error, SMARTSPLAT_OK, "");
  } catch (const Error& e) {
    return report(error, status_of(e.kind()), e.what());
  } catch (const std::bad_alloc&) {
    return report(error, SMARTSPLAT_NO_MEMORY, "there is not enough memory");
  } catch (const std::exception& e) {
    return report(error, SMARTSPLAT_FAILED, e.what());
  } catch (...) {
    return report(error, SMARTSPLAT_FAILED, "an unknown error");
  }
}

// The options of a call, with its interrupt.
class Call {
 public:
  explicit Call(const smartsplat_options* options) : options_(options ? *options : smartsplat_options{}) {
    if (options_.interrupt) {
      interrupt_.emplace([this] { return options_.interrupt(options_.context) != 0; });
    }
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Parallel parallel() {
    return {static_cast<int>(std::min<uint32_t>(options_.threads, 1 << 16)), interrupt_ ? &*interrupt_ : nullptr};
  }
  double max_work() const {
    require(options_.max_work >= 0, "the most work must be a number from 0 on");
    return options_.max_work > 0 ? options_.max_work : kDefaultWork;
  }
  uint64_t max_pixels() const { return options_.max_pixels > 0 ? options_.max_pixels : kDefaultPixels; }

 private:
  const smartsplat_options options_;
  std::optional<Interrupt> interrupt_;
};

void check_pixels(int64_t width, int64_t height, uint64_t most, const char* what) {
  if (static_cast<uint64_t>(width) * static_cast<uint64_t>(height) <= most) return;
  throw Error(ErrorKind::kLimit, std::string(what) + " has " + std::to_string(width) + " x " + std::to_string(height) +
                                     " pixels, more than " + std::to_string(most));
}

const Picture& decoded(const File& file, Decoded& kept, Call& call) {
  return kept.picture([&] {
    if (file.lattice_head()) {
      check_pixels(file.width(), file.height(), std::max(call.max_pixels(), kDefaultPixels),
                   "the picture, whose lattice is decoded whole,");
    }
    return std::make_unique<const Picture>(file, call.max_work(), call.parallel());
  });
}

void draw_alpha(smartsplat_file& file, const View& view, const Surface& surface, Call& call) {
  in_alpha([&] {
    const Picture& alpha = decoded(*file.file.alpha(), file.alpha, call);
    alpha.renderer().render(view, channel_of(surface, 3), call.max_work(), call.parallel());
  });
}

struct PixelFormat {
  Samples samples;
  int channels;
};

PixelFormat format_of(smartsplat_format format) {
  switch (format) {
    case SMARTSPLAT_GREY8:
      return {Samples::kBytes, 1};
    case SMARTSPLAT_RGB8:
      return {Samples::kBytes, 3};
    case SMARTSPLAT_RGBA8:
      return {Samples::kBytes, 4};
    case SMARTSPLAT_GREY_F32:
      return {Samples::kFloats, 1};
    case SMARTSPLAT_RGB_F32:
      return {Samples::kFloats, 3};
    case SMARTSPLAT_GREY16:
      return {Samples::kWords, 1};
    case SMARTSPLAT_RGB16:
      return {Samples::kWords, 3};
    case SMARTSPLAT_RGBA16:
      return {Samples::kWords, 4};
    case SMARTSPLAT_RGBA_F32:
      return {Samples::kFloats, 4};
  }
  throw Error(ErrorKind::kArgument, "there is no such pixel format");
}

Surface surface_of(const smartsplat_view& view, smartsplat_format format, void* pixels, size_t stride) {
  const auto [samples, channels] = format_of(format);
  const Surface surface{samples, channels, channels, pixels, static_cast<ptrdiff_t>(stride)};
  require(stride <= PTRDIFF_MAX && stride >= uint64_t{surface.pixel_bytes()} * static_cast<uint64_t>(view.width),
          "the rows' stride is less than a row");
  const size_t sample = sample_bytes(samples);
  require(stride % sample == 0 && reinterpret_cast<uintptr_t>(pixels) % sample == 0, "rows of samples must be aligned");
  return surface;
}

uint8_t kind_of(smartsplat_metadata_kind kind) {
  if (kind == SMARTSPLAT_OVERVIEW) return kOverviewSection;
  require(SMARTSPLAT_ICC <= kind && kind <= SMARTSPLAT_COLOUR_CODE, "there is no such metadata");
  return static_cast<uint8_t>(kIccSection + kind);  // in the same order
}

// A view may come from anywhere; one of smartsplat_make_view passes.
View checked_view(const smartsplat_view& v) {
  const View view{v.width, v.height, v.zoom, v.left, v.top, v.blur, v.aspect};
  require(v.draft <= 2, "a view is exact, a draft or a sketch");
  if (!is_computable(view) || v.blur > 1) throw Error(ErrorKind::kView, "not a view");
  return view;
}

Detail detail_of(const smartsplat_view& view) { return static_cast<Detail>(view.draft); }

// Parts are cut out of windows that end with the picture.
void check_within(const File& file, const View& view) {
  const double slack = 1e-3, width = view.width / view.zoom, height = view.height / (view.zoom * view.aspect);
  if (view.left >= -slack && view.top >= -slack && view.left + width <= file.width() + slack &&
      view.top + height <= file.height() + slack) {
    return;
  }
  throw Error(ErrorKind::kView, "the view is not within the picture");
}

// From what the callback reads now.
void decode_part(smartsplat_file& file, const View& view, Detail detail, const Surface& surface, Call& call) {
  check_within(file.file, view);
  if (file.file.lattice_head()) {
    const double most = static_cast<double>(std::max(call.max_pixels(), kDefaultPixels));
    if (view.width / view.zoom * (view.height / (view.zoom * view.aspect)) > most) {
      throw Error(ErrorKind::kLimit, "the part of the picture has more pixels than are allowed");
    }
  }
  PartPlan plan(file.file, view, detail);
  std::vector<std::vector<uint8_t>> parts;
  Pieces pieces;
  for (const ByteRange& range : joined(plan.ranges(file.file))) {  // on this thread, also those that are kept decoded
    parts.push_back(file.ranges->part(range));
    pieces.add(range.at, parts.back());
  }
  const Part part(file.file.with(pieces.source()), std::move(plan), &file.kept, call.max_work(), call.parallel());
  part.render(view, surface, call.max_work(), call.parallel());
}

}  // namespace

int smartsplat_api_version(void) noexcept { return SMARTSPLAT_API_VERSION; }

smartsplat_status smartsplat_open_memory(const void* bytes, size_t size, smartsplat_file** file,
                                         smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && (bytes || size == 0), "a null pointer");
    *file = nullptr;
    const uint8_t* first = static_cast<const uint8_t*>(bytes);
    *file = new smartsplat_file(std::vector<uint8_t>(first, first + size));
  });
}

smartsplat_status smartsplat_open_source(const smartsplat_source* source, smartsplat_file** file,
                                         smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && source, "a null pointer");
    *file = nullptr;
    *file = new smartsplat_file(whole(Callback(*source)));
  });
}

smartsplat_status smartsplat_open_ranges(const smartsplat_source* source, smartsplat_file** file,
                                         smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && source, "a null pointer");
    *file = nullptr;
    const Callback callback(*source);
    std::vector<uint8_t> bytes = front(callback);
    if (read_map(bytes).header.alpha) {  // its own front would have to be read as well
      callback.extend(bytes, callback.size());
      *file = new smartsplat_file(std::move(bytes));
    } else {
      *file = new smartsplat_file(std::move(bytes), callback);
    }
  });
}

smartsplat_status smartsplat_get_ranges(const smartsplat_file* file, const smartsplat_view* view,
                                        smartsplat_range* ranges, size_t capacity, size_t* count,
                                        smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && view && count, "a null pointer");
    const View checked = checked_view(*view);
    check_within(file->file, checked);
    const std::vector<ByteRange> all = PartPlan(file->file, checked, detail_of(*view)).ranges(file->file);
    *count = all.size();
    if (!ranges) return;
    require(capacity >= all.size(), "there is not enough room for the ranges");
    std::transform(all.begin(), all.end(), ranges,
                   [](const ByteRange& range) { return smartsplat_range{range.at, range.length}; });
  });
}

void smartsplat_keep(smartsplat_file* file, size_t bytes) noexcept {
  if (file) file->kept.limit(bytes);
}

void smartsplat_close(smartsplat_file* file) noexcept { delete file; }

smartsplat_status smartsplat_get_info(const smartsplat_file* file, smartsplat_info* info,
                                      smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && info, "a null pointer");
    const std::optional<LatticeHead> head = file->file.lattice_head();
    *info = {static_cast<uint32_t>(file->file.width()),
             static_cast<uint32_t>(file->file.height()),
             file->file.grey() ? 1u : 3u,
             head ? static_cast<uint32_t>(head->shape.spacing) : 0u,
             file->file.splat_count(),
             file->file.map().file_bytes,
             static_cast<uint32_t>(file->file.header().bits),
             file->file.alpha() ? 1u : 0u};
  });
}

smartsplat_status smartsplat_get_metadata(const smartsplat_file* file, smartsplat_metadata_kind kind,
                                          const void** bytes, size_t* size, smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && bytes && size, "a null pointer");
    const std::optional<Bytes> section = file->metadata(kind_of(kind));
    *bytes = section ? section->data() : nullptr;
    *size = section ? section->size() : 0;
  });
}

smartsplat_status smartsplat_get_metadata_range(const smartsplat_file* file, smartsplat_metadata_kind kind,
                                                smartsplat_range* range, smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && range, "a null pointer");
    const Extent extent = file->file.metadata_extent(kind_of(kind)).value_or(Extent{});
    *range = {extent.at, extent.length};
  });
}

smartsplat_status smartsplat_make_view(const smartsplat_file* file, const smartsplat_region* region, double scale,
                                       smartsplat_view* view, smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && view, "a null pointer");
    const int width = file->file.width(), height = file->file.height();
    const Region part = region ? Region{region->x, region->y, region->width, region->height}
                               : Region{0, 0, static_cast<double>(width), static_cast<double>(height)};
    const View v = view_of(width, height, part, scale);
    *view = {v.width, v.height, v.zoom, v.left, v.top, v.blur, v.aspect, 0};
  });
}

smartsplat_status smartsplat_decode(smartsplat_file* file, const smartsplat_view* view, smartsplat_format format,
                                    void* pixels, size_t stride, const smartsplat_options* options,
                                    smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && view && pixels, "a null pointer");
    Call call(options);
    const View checked = checked_view(*view);
    const Surface surface = surface_of(*view, format, pixels, stride);
    check_pixels(view->width, view->height, call.max_pixels(), "the view");
    if (file->ranges) return decode_part(*file, checked, detail_of(*view), surface, call);
    decoded(file->file, file->colours, call).renderer().render(checked, surface, call.max_work(), call.parallel());
    if (surface.channels == 4 && file->file.alpha()) draw_alpha(*file, checked, surface, call);
  });
}

smartsplat_status smartsplat_get_splats(smartsplat_file* file, float* rows, size_t capacity,
                                        const smartsplat_options* options, smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file, "a null pointer");
    Call call(options);
    file->with_all([&](const File& all) {
      const Picture& picture = decoded(all, file->colours, call);
      const size_t floats = picture.splats() * kParameters;
      require(capacity >= floats && (rows || floats == 0), "there is not enough room for the splats");
      std::copy_n(picture.parameters(), floats, rows);
    });
  });
}

smartsplat_status smartsplat_get_integers(const smartsplat_file* file, int32_t* integers, size_t capacity,
                                          size_t* count, smartsplat_error* error) noexcept {
  return guarded(error, [&] {
    require(file && count, "a null pointer");
    file->with_all([&](const File& all) {
      const CodedSplats splats = all.splats(Parallel{});
      const std::optional<LatticeHead> head = all.lattice_head();
      const std::vector<int32_t> blocks = all.blocks(kDefaultWork, Parallel{}).integers();
      const size_t codes = splats.codes.size() * kSplatFields, lattice = head ? head->size().count() : 0;
      *count = codes + lattice + blocks.size();
      if (!integers) return;
      require(capacity >= *count, "there is not enough room for the integers");
      if (codes > 0) std::memcpy(integers, splats.codes.data(), codes * sizeof(int32_t));
      if (head) all.quantised_lattice(*head, integers + codes, kDefaultWork, Parallel{});
      std::copy(blocks.begin(), blocks.end(), integers + codes + lattice);
    });
  });
}
