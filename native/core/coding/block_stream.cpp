#include "coding/block_stream.h"

#include "coding/block_models.h"

namespace smartsplat {

void refuse_blocks() { throw Error(ErrorKind::kFormat, "a chunk of blocks is not valid"); }

namespace {

class BlockDecoder : public BlockStream<Decoder, BlockDecoder> {
 public:
  using BlockStream::BlockStream;

  static bool coded(int, int) { return false; }
  static int wanted(int, int) { return 0; }
  static PixelColour colour(int) { return {}; }
  // Beyond the end of a damaged stream come large numbers without end.
  void after_row() const {
    if (coder_.exhausted()) refuse_blocks();
  }
  BlockPixels take() {
    if (!coder_.unread().empty()) refuse_blocks();
    if (pixels_.empty()) return {};
    return std::move(pixels_);
  }
};

}  // namespace

BlockPixels decode_blocks(std::span<const uint8_t> stream, int width, int height, SampleFormat format,
                          const Parallel& parallel) {
  Decoder coder(stream);
  BlockDecoder decoder(coder, width, height, format);
  decoder.code_all(parallel);
  return decoder.take();
}

}  // namespace smartsplat
