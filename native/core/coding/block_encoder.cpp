#include "coding/block_encoder.h"

#include <limits>
#include <numeric>
#include <utility>

#include "coding/block_models.h"
#include "coding/sections.h"

namespace smartsplat {
namespace {

uint64_t packed(const PixelColour& c) { return uint64_t{c[0]} << 32 | uint64_t{c[1]} << 16 | c[2]; }
PixelColour unpacked(uint64_t c) {
  return {static_cast<uint16_t>(c >> 32), static_cast<uint16_t>(c >> 16), static_cast<uint16_t>(c)};
}

double distance(const PixelColour& a, const PixelColour& b) {
  int64_t sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    const int64_t difference = int64_t{a[i]} - b[i];
    sum += difference * difference;
  }
  return static_cast<double>(sum);
}

// Which colour of a palette each distinct colour of some pixels becomes: the commonest ones stay, others join the next
// of these where that costs less than they do.
class Quantiser {
 public:
  // Prices are in squared steps of the samples: of a colour more in the palette, and of a pixel of such.
  Quantiser(std::vector<uint64_t> pixels, double of_colour, double of_pixel) : palette_(1) {
    std::sort(pixels.begin(), pixels.end());
    std::vector<uint32_t> counts;
    for (size_t i = 0, next = 0; i < pixels.size(); i = next) {
      while (next < pixels.size() && pixels[next] == pixels[i]) ++next;
      colours_.push_back(pixels[i]);
      counts.push_back(static_cast<uint32_t>(next - i));
    }
    indices_.resize(colours_.size());
    std::vector<uint32_t> order(colours_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
    for (const uint32_t i : order) indices_[i] = place(unpacked(colours_[i]), of_pixel + of_colour / counts[i]);
    centre(counts);
  }

  const std::vector<PixelColour>& palette() const { return palette_; }
  uint16_t index(uint64_t colour) const {
    return indices_[static_cast<size_t>(std::lower_bound(colours_.begin(), colours_.end(), colour) - colours_.begin())];
  }

 private:
  // Each colour of the palette becomes the mean of those that joined it.
  void centre(const std::vector<uint32_t>& counts) {
    std::vector<std::array<uint64_t, 4>> sums(palette_.size());
    for (size_t i = 0; i < colours_.size(); ++i) {
      const PixelColour colour = unpacked(colours_[i]);
      std::array<uint64_t, 4>& sum = sums[indices_[i]];
      for (size_t c = 0; c < 3; ++c) sum[c] += uint64_t{counts[i]} * colour[c];
      sum[3] += counts[i];
    }
    for (size_t k = 1; k < palette_.size(); ++k) {
      const uint64_t count = sums[k][3];
      for (size_t c = 0; c < 3; ++c) palette_[k][c] = static_cast<uint16_t>((sums[k][c] + count / 2) / count);
    }
  }

  uint16_t place(const PixelColour& colour, double price) {
    double least = std::numeric_limits<double>::infinity();
    size_t nearest = 0;
    for (size_t k = 1; k < palette_.size() && least > 0; ++k) {
      if (const double error = distance(palette_[k], colour); error < least) least = error, nearest = k;
    }
    if (least > price && palette_.size() < size_t{1} << kPaletteLog) {
      nearest = palette_.size();
      palette_.push_back(colour);
    }
    return static_cast<uint16_t>(nearest);
  }

  std::vector<uint64_t> colours_;  // in ascending order
  std::vector<uint16_t> indices_;  // of each in the palette
  std::vector<PixelColour> palette_;
};

// Adds up what is written.
class PricedEncoder {
 public:
  template <class Model>
  int bit(Model& model, int value) {
    bits_ += price(model, value) / 65536.0f;
    return encoder_.bit(model, value);
  }
  uint32_t raw(int bits, uint32_t value) {
    bits_ += static_cast<float>(bits);
    return encoder_.raw(bits, value);
  }
  float take_bits() { return std::exchange(bits_, 0.0f); }
  std::vector<uint8_t> finish() { return encoder_.finish(); }

 private:
  Encoder encoder_;
  float bits_ = 0;
};

class BlockEncoder : public BlockStream<PricedEncoder, BlockEncoder> {
 public:
  BlockEncoder(PricedEncoder& coder, const BlockPixels& source, SampleFormat format, float* bits, size_t bit_stride)
      : BlockStream(coder, source.width(), source.height(), format, UINT64_MAX),
        source_(source),
        renumbered_(static_cast<size_t>(source.colours()) + 1),
        colours_(1),
        bits_(bits),
        bit_stride_(bit_stride) {}

  bool coded(int x, int y) {
    settle(x, y);
    return source_.row(y)[x] != 0;
  }
  // In the order in which colours come up first.
  int wanted(int x, int y) {
    settle(x, y);
    const uint16_t index = source_.row(y)[x];
    if (renumbered_[index] == 0) {
      renumbered_[index] = static_cast<int>(colours_.size());
      colours_.push_back(source_.colour(index));
    }
    return renumbered_[index];
  }
  const PixelColour& colour(int index) const { return colours_[static_cast<size_t>(index)]; }
  void after_pixels() { settle(0, 0); }
  using BlockStream::mixed_bits;

 private:
  // What was written since the last time is of the block that was asked for then.
  void settle(int x, int y) {
    const float bits = coder_.take_bits();
    if (bits_) bits_[block_] += bits;
    block_ = static_cast<size_t>(y / kPixelBlock) * bit_stride_ + static_cast<size_t>(x / kPixelBlock);
  }

  const BlockPixels& source_;
  std::vector<int> renumbered_;
  std::vector<PixelColour> colours_;
  float* bits_;
  size_t bit_stride_, block_ = 0;
};

}  // namespace

BlockPixels quantise_blocks(const BlockSource& source, double of_colour, double of_pixel) {
  BlockPixels pixels(source.width, source.height);
  const auto for_coded = [&](auto visit) {
    for (int y = 0; y < source.height; ++y) {
      for (int x = 0; x < source.width; ++x) {
        if (source.coded(x / kPixelBlock, y / kPixelBlock)) visit(x, y, packed(source.at(x, y)));
      }
    }
  };
  std::vector<uint64_t> coded;
  for_coded([&](int, int, uint64_t colour) { coded.push_back(colour); });
  const Quantiser quantiser(std::move(coded), of_colour, of_pixel);
  for (size_t i = 1; i < quantiser.palette().size(); ++i) pixels.add(quantiser.palette()[i]);
  for_coded([&](int x, int y, uint64_t colour) { pixels.row(y)[x] = quantiser.index(colour); });
  return pixels;
}

std::vector<uint8_t> encode_blocks(const BlockPixels& pixels, SampleFormat format, float* bits, size_t bit_stride,
                                   const Parallel& parallel) {
  if (pixels.empty()) return {};
  PricedEncoder coder;
  BlockEncoder encoder(coder, pixels, format, bits, bit_stride);
  encoder.code_all(parallel);
  std::vector<uint8_t> stream = coder.finish();
  if (encoder.mixed_bits() > most_mixed_bits(stream.size(), 1)) refuse_work();
  return stream;
}

BlockPart<std::vector<uint8_t>> write_blocks(const BlockPicture& picture, SampleFormat format, double of_colour,
                                             double of_pixel, int square_log, float* bits, const Parallel& parallel) {
  const Tiers tiers = Tiers::of_blocks(picture.width, picture.height, square_log);
  BlockPart<std::vector<uint8_t>> part{square_log, {}};
  part.chunks.resize(tiers.chunks());
  const size_t columns = static_cast<size_t>(blocks_along(picture.width)), row = static_cast<size_t>(picture.width),
               plane = row * static_cast<size_t>(picture.height);
  parallel.for_each(part.chunks.size(), [&](size_t chunk) {
    const Rectangle r = rectangle_of(tiers, tiers.place(chunk), picture.width, picture.height);
    const size_t first_block =
        static_cast<size_t>(r.top / kPixelBlock) * columns + static_cast<size_t>(r.left / kPixelBlock);
    const uint16_t* const first = picture.planes + static_cast<size_t>(r.top) * row + static_cast<size_t>(r.left);
    const BlockSource source{
        r.width, r.height, picture.flags + first_block, columns, {first, first + plane, first + 2 * plane}, row};
    part.chunks[chunk] = encode_blocks(quantise_blocks(source, of_colour, of_pixel), format,
                                       bits ? bits + first_block : nullptr, columns, parallel);
  });
  return part;
}

}  // namespace smartsplat
