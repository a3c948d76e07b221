#include "coding/splat_stream.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "coding/geometry.h"
#include "coding/range_coder.h"
#include "coding/splat_models.h"
#include "common/error.h"

namespace smartsplat {
namespace {

int size16(const SplatCode& s) { return in_sixteenths(s.size, s.energy); }
int ratio16(const SplatCode& s) { return s.energy == 0 ? s.ratio * 32 : in_sixteenths(s.ratio, s.energy - 1); }

// 16 log2 of 3.33 is 27.8, and rounding may have taken a whole one from each of the two numbers.
constexpr int kReachMargin = 30;

// Half the log of how much narrower the marginal extent in x is than the longer axis, in 1/16 octaves, 0 or less.
int narrowing16(const SplatCode& s) {
  const int bin = (s.turn * 64) >> turn_bits(s);
  const int64_t cosine = kCosineTable[std::min(bin, 63 - bin)];
  const int64_t across = power16(2 * ratio16(s));
  return (log16(static_cast<uint32_t>(cosine + ((65536 - cosine) * across >> 16))) - 256) / 2;
}

// What the splats decoded nearby look like: the latest one in each square of a coarse grid.
class Neighbourhood {
 public:
  Neighbourhood(size_t count, int width, int height) {
    const uint64_t area = static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
    const uint64_t each = (area + std::max<size_t>(count, 1) - 1) / std::max<size_t>(count, 1);
    while (uint64_t{1} << 2 * shift_ < each) ++shift_;
    columns_ = (width >> shift_) + 3;
    cells_.resize(static_cast<size_t>(columns_) * ((height >> shift_) + 3));
  }
  void put(int x, int y, const SplatCode& s) { cells_[at(x, y)] = {1, s.energy, size16(s)}; }

  struct Mean {
    int count, energy16, size16;
  };
  Mean around(int x, int y) const {
    Mean total{};
    const size_t centre = at(x, y);
    for (int row = -1; row <= 1; ++row) {
      for (int column = -1; column <= 1; ++column) {
        const Entry& e = cells_[centre + row * columns_ + column];
        total.count += e.known;
        total.energy16 += 16 * e.energy;
        total.size16 += e.size16;
      }
    }
    if (total.count > 0) {
      total.energy16 /= total.count;
      total.size16 /= total.count;
    }
    return total;
  }

 private:
  struct Entry {
    int known, energy, size16;
  };
  size_t at(int x, int y) const { return static_cast<size_t>((y >> shift_) + 1) * columns_ + (x >> shift_) + 1; }

  int shift_ = 0, columns_ = 0;
  std::vector<Entry> cells_;
};

struct Cell {
  int x, y;    // px, of its first pixel
  int lx, ly;  // log2 of its sides
};

template <class Coder>
class SplatStream {
 public:
  SplatStream(Coder& coder, size_t count, int width, int height)
      : coder_(coder), width_(width), height_(height), near_(count, width, height), models_(stored_splat_models()) {}

  void code_all(std::span<SplatCode> splats) {
    const auto bits = [](int size) { return bit_length(static_cast<uint32_t>(size - 1)); };
    code_cell(splats, {0, 0, bits(width_), bits(height_)});
  }

 private:
  void code_cell(std::span<SplatCode> splats, const Cell& cell) {
    if (splats.size() > 1 && cell.lx + cell.ly > 0) {
      split(splats, cell);
      return;
    }
    for (SplatCode& s : splats) {
      code_shape(s, cell);
      code_centre(s, cell);
      code_colour(s);
      near_.put(cell.x, cell.y, s);
    }
  }

  void split(std::span<SplatCode> splats, const Cell& cell) {
    const bool by_x = cell.lx >= cell.ly;
    Cell first = cell;
    --(by_x ? first.lx : first.ly);
    Cell second = first;
    (by_x ? second.x : second.y) += 1 << (by_x ? first.lx : first.ly);
    size_t left = splats.size();
    if (second.x < width_ && second.y < height_) {
      if constexpr (!Coder::kDecodes) left = partition(splats, by_x, by_x ? second.x : second.y);
      left = static_cast<size_t>(code_count(static_cast<int>(splats.size()), static_cast<int>(left)));
    }
    if (left > 0) code_cell(splats.first(left), first);
    if (left < splats.size()) code_cell(splats.subspan(left), second);
  }

  static size_t partition(std::span<SplatCode> splats, bool by_x, int border) {
    const auto middle = std::stable_partition(
        splats.begin(), splats.end(), [&](const SplatCode& s) { return ((by_x ? s.x : s.y) >> kCentreLog) < border; });
    return static_cast<size_t>(middle - splats.begin());
  }

  // How many of n lie in the first half.
  int code_count(int n, int left) {
    if (n < 8) return code_up_to(models_.few[n], 3, n, left);
    const int bucket = std::min(bit_length(static_cast<uint32_t>(n)) - 4, static_cast<int>(models_.many.size()) - 1);
    const auto below = [n](int part) { return static_cast<int>((static_cast<int64_t>(part) * (n + 1) + 15) / 16); };
    const int part = models_.many[bucket].code(coder_, static_cast<int>(static_cast<int64_t>(left) * 16 / (n + 1)));
    if (below(part + 1) == below(part)) throw Error(ErrorKind::kFormat, "a count of splats is impossible");
    return below(part) + code_uniform(below(part + 1) - below(part), left - below(part));
  }

  // A number from 0 to `most` in `bits` bits; those that can only be zero are left out.
  int code_up_to(std::array<BitModel, 8>& nodes, int bits, int most, int value) {
    int node = 1, known = 0;
    for (int i = bits - 1; i >= 0; --i) {
      const int bit = (known | 1 << i) > most ? 0 : coder_.bit(nodes[node], value >> i & 1);
      known |= bit << i;
      node = 2 * node + bit;
    }
    return known;
  }

  // One of `count` equally likely numbers, in a truncated binary code.
  int code_uniform(int count, int value) {
    const int bits = bit_length(static_cast<uint32_t>(count)) - 1;  // of the shorter words
    const int shorter = (2 << bits) - count;
    const bool is_short = value < shorter;
    int word = static_cast<int>(code_raw(bits, static_cast<uint32_t>(is_short ? value : (value + shorter) >> 1)));
    if (word < shorter) return word;
    word = 2 * word + static_cast<int>(coder_.raw(1, static_cast<uint32_t>(value + shorter) & 1));
    return word - shorter;
  }

  uint32_t code_raw(int bits, uint32_t value) {
    uint32_t result = 0;
    for (; bits > 12; bits -= 12) result = result << 12 | coder_.raw(12, value >> (bits - 12) & 0xFFF);
    return result << bits | coder_.raw(bits, value & ((1u << bits) - 1));
  }

  void code_shape(SplatCode& s, const Cell& cell) {
    const auto near = near_.around(cell.x, cell.y);
    const int context = near.count == 0 ? 0 : 1 + std::min((near.energy16 + 4) >> 3, 22);
    s.energy = models_.energy[context].code(coder_, s.energy);
    const int from_cell = 8 * (cell.lx + cell.ly);
    const int predicted16 = near.count == 0 ? from_cell : (from_cell + 3 * near.size16) / 4;
    const int predicted =
        s.energy >= kLogBits ? predicted16 * (1 << (s.energy - kLogBits)) : predicted16 >> (kLogBits - s.energy);
    s.size = predicted + models_.size[s.energy].code(coder_, s.size - predicted);
    s.ratio = models_.ratio[s.energy].code(coder_, s.ratio);
    check(s);
    const int bits = turn_bits(s), modelled = std::min(bits, 3);
    const int top = code_up_to(models_.turn[bits], modelled, 7, s.turn >> (bits - modelled));
    s.turn =
        top << (bits - modelled) |
        static_cast<int>(code_raw(bits - modelled, static_cast<uint32_t>(s.turn) & ((1u << (bits - modelled)) - 1)));
  }

  static void check(const SplatCode& s) {
    const int size = size16(s);
    if (size < 16 * kLeastSize || size > 16 * kGreatestSize || ratio16(s) > 16 * kGreatestRatio) {
      throw Error(ErrorKind::kFormat, "a splat's scale is out of range");
    }
  }

  void code_centre(SplatCode& s, const Cell& cell) {
    const CentreBits bits = centre_bits(s);
    const int x = s.x;
    s.x = code_coordinate(x, cell.x, cell.lx, bits.x);
    if constexpr (!Coder::kDecodes) s.y += ridge(s, s.x - x);
    s.y = code_coordinate(s.y, cell.y, cell.ly, bits.y);
  }

  // A coordinate within a side of 2^length px from `origin`, to 2^-fraction px; the middle of its step comes back.
  int code_coordinate(int value, int origin, int length, int fraction) {
    const int bits = std::max(0, length + fraction);
    const int step = kCentreLog + length - bits;  // log2, in units
    const int from = origin * (1 << kCentreLog);
    const int most = (1 << bits) - 1;
    const int index = std::clamp((value - from) >> step, 0, most);
    return from + static_cast<int>(code_raw(bits, static_cast<uint32_t>(index)) << step) + ((1 << step) >> 1);
  }

  // How far a splat that is moved by dx should move in y to stay on its own ridge.
  static int ridge(const SplatCode& s, int dx) {
    const double angle = std::numbers::pi * s.turn / (1 << turn_bits(s));
    const double squared = std::exp2(-ratio16(s) / 8.0), c = std::cos(angle), sine = std::sin(angle);
    return static_cast<int>(std::lround(dx * c * sine * (1 - squared) / (c * c + sine * sine * squared)));
  }

  void code_colour(SplatCode& s) {
    s.colour[0] = models_.luma[s.energy].code(coder_, s.colour[0]);
    const int strength = std::min(bit_length(static_cast<uint32_t>(std::abs(s.colour[0]))), 7);
    s.colour[1] = models_.first_difference[s.energy][strength].code(coder_, s.colour[1]);
    const int first = std::min(bit_length(static_cast<uint32_t>(std::abs(s.colour[1]))), 3);
    s.colour[2] = models_.second_difference[s.energy][first].code(coder_, s.colour[2]);
  }

  Coder& coder_;
  const int width_, height_;
  Neighbourhood near_;
  SplatModels models_;
};

}  // namespace

int reach16(const SplatCode& s) { return size16(s) + ratio16(s) / 2 + kReachMargin; }

int turn_bits(const SplatCode& s) {
  if (s.ratio == 0) return 0;
  const int ratio = ratio16(s);
  // The angle's step is 2^(1 - energy) / (r - 1 / r) radians, for scales in the ratio r.
  const int flattening = ratio + log16(static_cast<uint32_t>(std::max(1, 65536 - power16(2 * ratio)))) - 256;
  return std::clamp((16 * s.energy + 10 + flattening + 8) >> 4, 0, kMostTurnBits);
}

CentreBits centre_bits(const SplatCode& s) {
  // The centre's step is sqrt(2) 2^-energy of the marginal extent in x, and of that in y at a given x.
  const int extent_x = size16(s) + ratio16(s) / 2 + narrowing16(s);
  const int extent_y = 2 * size16(s) - extent_x;
  const auto bits = [&](int extent) {
    return std::clamp((16 * s.energy - 8 - extent + 8) >> 4, -kCentreLog * 2, kCentreLog);
  };
  return {bits(extent_x), bits(extent_y)};
}

std::vector<uint8_t> encode_splats(std::vector<SplatCode>& splats, int width, int height) {
  Encoder encoder;
  auto stream = std::make_unique<SplatStream<Encoder>>(encoder, splats.size(), width, height);
  stream->code_all(splats);
  std::vector<uint8_t> bytes = encoder.finish();
  bytes.resize(std::max<size_t>(bytes.size(), least_stream_bytes(splats.size())));
  return bytes;
}

std::vector<SplatCode> decode_splats(std::span<const uint8_t> bytes, size_t count, int width, int height) {
  Decoder decoder(bytes);
  std::vector<SplatCode> splats(count);
  auto stream = std::make_unique<SplatStream<Decoder>>(decoder, count, width, height);
  stream->code_all(splats);
  if (decoder.exhausted()) throw Error(ErrorKind::kFormat, "the stream of splats ends too early");
  const bool longer = !decoder.unread().empty() && bytes.size() > least_stream_bytes(count);
  if (longer || !decoder.only_zeros_unread()) {
    throw Error(ErrorKind::kFormat, "the stream of splats is longer than it should be");
  }
  return splats;
}

}  // namespace smartsplat
