// The C face for JavaScript: numbers and addresses instead of structures. web/decoder.js is the other side.
//
// What fails does not return, see exceptions.cpp; the instance must not be called again then.
#include <algorithm>
#include <cstdlib>

#include "capi/smartsplat.h"

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

// Given by the page: writes `count` bytes of the file from `offset` on to `buffer`; 0, or anything else if it cannot.
extern "C" __attribute__((import_module("smartsplat"), import_name("read"))) int smartsplat_read(double offset,
                                                                                                 void* buffer,
                                                                                                 size_t count);

namespace {

int read_from_page(void*, uint64_t offset, void* buffer, size_t count) {
  return smartsplat_read(static_cast<double>(offset), buffer, count);
}

}  // namespace

EXPORT(allocate) void* allocate(size_t bytes) { return operator new(bytes); }
EXPORT(release) void release(void* memory) { operator delete(memory); }

// A file of so many bytes, which read() gives.
EXPORT(open) smartsplat_file* open(double size) {
  const smartsplat_source source = {nullptr, static_cast<uint64_t>(size), read_from_page};
  smartsplat_file* file = nullptr;
  smartsplat_open_source(&source, &file, nullptr);
  return file;
}

// The same; only header and index are read now, and what a decoding needs then.
EXPORT(open_ranges) smartsplat_file* open_ranges(double size) {
  const smartsplat_source source = {nullptr, static_cast<uint64_t>(size), read_from_page};
  smartsplat_file* file = nullptr;
  smartsplat_open_ranges(&source, &file, nullptr);
  return file;
}

// Bytes of what it has decoded that such a file keeps at most.
EXPORT(keep) void keep(smartsplat_file* file, double bytes) { smartsplat_keep(file, static_cast<size_t>(bytes)); }

// Makes a view a draft (1) or a sketch (2).
EXPORT(draft) void draft(smartsplat_view* view, int kind) { view->draft = static_cast<uint32_t>(kind); }

// Offsets and sizes of what a view needs of such a file, to be released; their number comes before them.
EXPORT(ranges) double* ranges(const smartsplat_file* file, const smartsplat_view* view) {
  size_t count = 0;
  smartsplat_get_ranges(file, view, nullptr, 0, &count, nullptr);
  auto* numbers = static_cast<double*>(allocate((2 * count + 1) * sizeof(double)));
  auto* found = static_cast<smartsplat_range*>(allocate(count * sizeof(smartsplat_range)));
  smartsplat_get_ranges(file, view, found, count, &count, nullptr);
  numbers[0] = static_cast<double>(count);
  for (size_t i = 0; i < count; ++i) {
    numbers[2 * i + 1] = static_cast<double>(found[i].offset);
    numbers[2 * i + 2] = static_cast<double>(found[i].size);
  }
  release(found);
  return numbers;
}

// Writes offset and size of metadata (see smartsplat_metadata_kind), 0 if there are none.
EXPORT(metadata) void metadata(const smartsplat_file* file, int kind, double* numbers) {
  smartsplat_range range{};
  smartsplat_get_metadata_range(file, static_cast<smartsplat_metadata_kind>(kind), &range, nullptr);
  numbers[0] = static_cast<double>(range.offset);
  numbers[1] = static_cast<double>(range.size);
}

// Writes width, height, channels, spacing of the lattice (0: none), number of splats, bytes, bits of a sample, whether
// there is an alpha.
EXPORT(describe) void describe(const smartsplat_file* file, double* numbers) {
  smartsplat_info info{};
  smartsplat_get_info(file, &info, nullptr);
  const double all[] = {static_cast<double>(info.width),    static_cast<double>(info.height),
                        static_cast<double>(info.channels), static_cast<double>(info.lattice_spacing),
                        static_cast<double>(info.splats),   static_cast<double>(info.bytes),
                        static_cast<double>(info.bits),     static_cast<double>(info.alpha)};
  std::copy(std::begin(all), std::end(all), numbers);
}

// The view of a region at a scale, to be released; it begins with its width and height, two integers.
EXPORT(view_at_scale)
smartsplat_view* view_at_scale(const smartsplat_file* file, double x, double y, double width, double height,
                               double scale) {
  const smartsplat_region region = {x, y, width, height};
  auto* view = new smartsplat_view{};
  smartsplat_make_view(file, &region, scale, view, nullptr);
  return view;
}

// The same with so many pixels, which may stretch it: as `sized_view` in the Python package.
EXPORT(view_of_size)
smartsplat_view* view_of_size(const smartsplat_file* file, double x, double y, double width, double height, int columns,
                              int rows) {
  smartsplat_view* view = view_at_scale(file, x, y, width, height, 1);
  view->width = columns;
  view->height = rows;
  view->zoom = columns / width;
  view->aspect = rows / height / view->zoom;
  const double least = std::min({1.0, view->zoom, view->zoom * view->aspect});
  view->blur = (1 - least * least) / 12;
  return view;
}

// Decodes it into rows without gaps; `format`: see smartsplat_format, `pixel`: bytes of one.
EXPORT(decode)
void decode(smartsplat_file* file, const smartsplat_view* view, int format, size_t pixel, void* pixels,
            double max_pixels) {
  const smartsplat_options options = {1, static_cast<uint64_t>(max_pixels), nullptr, nullptr, 0};
  smartsplat_decode(file, view, static_cast<smartsplat_format>(format), pixels,
                    pixel * static_cast<size_t>(view->width), &options, nullptr);
}

// Eight floats for each splat, see smartsplat_get_splats; to be released.
EXPORT(splats) float* splats(smartsplat_file* file) {
  smartsplat_info info{};
  smartsplat_get_info(file, &info, nullptr);
  const size_t count = 8 * static_cast<size_t>(info.splats);
  auto* rows = static_cast<float*>(allocate(count * sizeof(float)));
  const smartsplat_options options = {1, 0, nullptr, nullptr, 0};
  smartsplat_get_splats(file, rows, count, &options, nullptr);
  return rows;
}

// For tests: the integers that the streams hold, to be released; their number comes before them.
EXPORT(integers) int32_t* integers(const smartsplat_file* file) {
  size_t count = 0;
  smartsplat_get_integers(file, nullptr, 0, &count, nullptr);
  auto* numbers = static_cast<int32_t*>(allocate((count + 1) * sizeof(int32_t)));
  numbers[0] = static_cast<int32_t>(count);
  smartsplat_get_integers(file, numbers + 1, count, &count, nullptr);
  return numbers;
}
