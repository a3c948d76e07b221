#include "coding/block_stream.h"

#include "coding/block_models.h"

namespace smartsplat {
namespace {

[[noreturn]] void refuse(const char* text) { throw Error(ErrorKind::kFormat, text); }

class BlockDecoder : public BlockStream<Decoder, BlockDecoder> {
 public:
  using BlockStream::BlockStream;

  static bool coded(int, int) { return false; }
  static int wanted(int, int) { return 0; }
  static PixelColour colour(int) { return {}; }
  // Beyond the end of a damaged stream come large numbers without end.
  void after_row() const {
    if (coder_.exhausted()) refuse("a chunk of blocks ends too early");
  }
  BlockPixels take() {
    if (!coder_.unread().empty()) refuse("bytes follow a chunk of blocks");
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
