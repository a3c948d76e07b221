// What a target is given: a whole file, and behind it a few requests for views of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

// A view that is asked for; make_corpus.py writes the same.
struct Request {
  enum Flag : uint32_t {
    kWhole = 1,      // no region
    kOwnView = 2,    // `view` and `sides` as they stand, without smartsplat_make_view
    kInterrupt = 4,  // an interrupt that ends the decoding soon
    kLarge = 8,      // up to a megapixel, which takes long, and so do lattices that are cut into strips
  };
  bool is(Flag flag) const { return (flags & flag) != 0; }

  double region[4];  // x, y, width, height; px
  double scale;
  double view[5];    // zoom, left, top, blur, aspect
  int32_t sides[2];  // of the view
  uint32_t flags;
  uint8_t format, threads, gap, spare;  // gap: bytes, or floats, between rows
};
static_assert(sizeof(Request) == 96 && std::is_trivially_copyable_v<Request>);

inline constexpr size_t kRequests = 2;
using Requests = std::array<Request, kRequests>;

struct Input {
  std::vector<uint8_t> file;
  Requests requests{};

  bool is_large() const {
    return std::any_of(requests.begin(), requests.end(), [](const Request& r) { return r.is(Request::kLarge); });
  }
};

// Bytes too few for the requests are all of the file; then the requests are zeros.
inline Input read_input(const uint8_t* data, size_t size) {
  Input input;
  const size_t tail = size < sizeof(Requests) ? 0 : sizeof(Requests);
  input.file.assign(data, data + (size - tail));
  if (tail > 0) std::memcpy(input.requests.data(), data + (size - tail), tail);
  return input;
}

// Returns the size; 0 if there is not enough room.
inline size_t write_input(const Input& input, std::span<uint8_t> out) {
  const size_t size = input.file.size() + sizeof(Requests);
  if (size > out.size()) return 0;
  std::copy(input.file.begin(), input.file.end(), out.begin());
  std::memcpy(out.data() + input.file.size(), input.requests.data(), sizeof(Requests));
  return size;
}
