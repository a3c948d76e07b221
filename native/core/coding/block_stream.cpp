#include "coding/block_stream.h"

#include <algorithm>

#include "coding/block_models.h"

namespace smartsplat {

uint64_t most_mixed_bits(uint64_t bytes, double work) {
  constexpr double kFree = 1 << 16, kForEachByte = 512, kMost = 1ULL << 62;
  return static_cast<uint64_t>(std::min(kMost, work * (kFree + kForEachByte * static_cast<double>(bytes))));
}

void refuse_work() {
  throw Error(ErrorKind::kLimit,
              "a chunk of blocks takes far more work than its bytes should; allow more with max_work");
}

void refuse_blocks() { throw Error(ErrorKind::kFormat, "a chunk of blocks is not valid"); }

namespace {

class BlockDecoder : public BlockStream<Decoder, BlockDecoder> {
 public:
  using BlockStream::BlockStream;

  static bool coded(int, int) { return false; }
  static int wanted(int, int) { return 0; }
  static PixelColour colour(int) { return {}; }
  // Beyond the end of a damaged stream come large numbers without end.
  void after_pixels() const {
    if (coder_.exhausted()) refuse_blocks();
  }
  BlockPixels take() {
    if (!coder_.unread().empty()) refuse_blocks();
    if (pixels_.empty()) return {};
    return std::move(pixels_);
  }
};

}  // namespace

BlockPixels decode_blocks(std::span<const uint8_t> stream, int width, int height, SampleFormat format, double work,
                          const Parallel& parallel) {
  Decoder coder(stream);
  BlockDecoder decoder(coder, width, height, format, most_mixed_bits(stream.size(), work));
  decoder.code_all(parallel);
  return decoder.take();
}

}  // namespace smartsplat
