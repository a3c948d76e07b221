// What the decoder and the encoder of blocks share: the models, and the walk over the pixels of a chunk.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "coding/block_mixing.h"
#include "coding/block_stream.h"
#include "coding/models.h"
#include "common/apart.h"
#include "common/error.h"

namespace smartsplat {

// Throws Error: the bytes cannot be such a chunk.
[[noreturn]] void refuse_blocks();
// Throws Error: it takes far more work than its bytes should.
[[noreturn]] void refuse_work();

// What followed a context last time, and how often in a row.
struct Guess {
  static constexpr int kSurest = 7;

  void learn(uint16_t seen) {
    if (seen == index) {
      sure = static_cast<uint16_t>(std::min(sure + 1, kSurest));
    } else if (sure > 1) {
      sure /= 2;
    } else {
      *this = {seen, 1};
    }
  }

  uint16_t index = 0, sure = 0;
};

// `Derived` says what an encoder knows: whether the block from a pixel on is coded(x, y), which index that is
// wanted(x, y), and the colour(index). For a decoder they mean nothing.
template <class Coder, class Derived>
class BlockStream {
 public:
  BlockStream(Coder& coder, int width, int height, SampleFormat format, uint64_t most_mixed)
      : coder_(coder),
        format_(format),
        pixels_(width, height),
        most_mixed_(most_mixed),
        far_(zeros<Guess>(kGuesses)),
        near_(zeros<Guess>(kGuesses)) {
    model_weights_.fill(MixedModel::kFirstWeight);
  }

  void code_all(const Parallel& parallel) {
    const int columns = blocks_along(pixels_.width());
    std::vector<uint8_t> flags(static_cast<size_t>(columns) + 1), over(flags.size());
    for (int y = 0; y < pixels_.height(); ++y) {
      if (y % kPixelBlock == 0) {
        flags.swap(over);
        for (size_t i = 1; i < flags.size(); ++i) {
          const bool wanted = derived().coded(static_cast<int>(i - 1) * kPixelBlock, y);
          flags[i] = code_bit(flag_[flags[i - 1]][over[i]][over[i - 1]], wanted);
        }
      }
      for (int x = 0; x < pixels_.width(); ++x) {
        if (x % kCheckedPixels == 0) {
          parallel.checkpoint();
          derived().after_pixels();
        }
        if (!flags[static_cast<size_t>(x / kPixelBlock) + 1]) continue;
        if (x % kPixelBlock == 0 && code_run(x, y)) {
          x += kPixelBlock - 1;
        } else {
          code_pixel(x, y);
        }
      }
    }
    derived().after_pixels();
  }

 protected:
  static constexpr size_t kGuesses = size_t{1} << kGuessLog;

  uint64_t mixed_bits() const { return mixed_bits_; }

  Coder& coder_;
  SampleFormat format_;
  BlockPixels pixels_;

 private:
  static constexpr size_t kLikelyContexts = 4, kKnownContexts = 6;
  static constexpr int kCheckedPixels = 1 << 15;  // of a row, so often is looked whether to go on

  uint64_t most_mixed_, mixed_bits_ = 0;

  Derived& derived() { return static_cast<Derived&>(*this); }

  // One place for most bits, for decoders that have to be small.
  [[gnu::noinline]] bool code_bit(BitModel& model, bool value) { return coder_.bit(model, value) != 0; }

  // What tells apart the contexts of a pixel: six pixels before it and thirteen.
  struct Contexts {
    uint32_t near = 0, far = 0;
  };

  // Up to four indices more of a context.
  static uint64_t mixed(uint64_t hash, uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0) {
    hash = (hash ^ (a | b << 16 | c << 32 | d << 48)) * kGuessFactor;
    return hash ^ hash >> 32;
  }
  static uint64_t mixed(uint64_t hash, const uint16_t* four) { return mixed(hash, four[0], four[1], four[2], four[3]); }

  // The indices beside and over a pixel.
  struct Beside {
    explicit Beside(const uint16_t* at, ptrdiff_t stride)
        : w(at[-1]), n(at[-stride]), nw(at[-stride - 1]), ne(at[-stride + 1]) {}

    uint16_t w, n, nw, ne;
  };

  SMARTSPLAT_APART Contexts contexts_of(const uint16_t* at) const {
    const uint16_t *over = at - pixels_.stride(), *above = over - pixels_.stride(), *top = above - pixels_.stride();
    const Beside beside(at, pixels_.stride());
    const uint64_t near = mixed(mixed(0, beside.w, beside.n, beside.nw, beside.ne), at[-2], above[0]);
    const uint64_t far = mixed(mixed(near, at[-3], over[-2], over[2], *top), above[-1], above[1], above[2]);
    return {static_cast<uint32_t>(near), static_cast<uint32_t>(far)};
  }

  // Where all thirteen are one colour: those of the last such pixel of that colour.
  const Contexts& flat_contexts_at(const uint16_t* at) {
    if (at[-1] != flat_) {
      flat_ = at[-1];
      flat_contexts_ = contexts_of(at);
    }
    return flat_contexts_;
  }

  // 32 pixels before it.
  SMARTSPLAT_APART uint32_t wide_context(const uint16_t* at) const {
    const ptrdiff_t row = pixels_.stride();
    uint64_t hash = mixed(0, at - 4);
    for (int up = 1; up <= 3; ++up) hash = mixed(mixed(hash, at - up * row - 3), at - up * row + 1);
    return static_cast<uint32_t>(mixed(hash, at - 4 * row - 2));
  }

  // Whether all thirteen are one colour, as in most of a text.
  bool is_flat(const uint16_t* at) const {
    const uint16_t *over = at - pixels_.stride(), *above = over - pixels_.stride(), *top = above - pixels_.stride();
    const uint16_t w = at[-1];
    return at[-2] == w && at[-3] == w && four_are(over - 2, w) && over[2] == w && four_are(above - 1, w) && *top == w;
  }
  // The same of all pixels of a row of a block, but for those beside each other.
  bool is_flat_over_row(const uint16_t* at, uint16_t w) const {
    const uint16_t *over = at - pixels_.stride(), *above = over - pixels_.stride(), *top = above - pixels_.stride();
    return at[-2] == w && at[-3] == w && four_are(over - 2, w) && four_are(over + 2, w) && four_are(over + 6, w) &&
           four_are(above - 1, w) && four_are(above + 3, w) && four_are(above + 6, w) && four_are(top, w) &&
           four_are(top + 4, w);
  }

  static bool four_are(const uint16_t* indices, uint16_t index) {
    uint64_t four;
    std::memcpy(&four, indices, sizeof four);
    return four == index * uint64_t{0x0001000100010001};
  }

  // Whether all pixels of a row of a block have the one colour of all that they are guessed by. If not they are told
  // one by one, which knows that there is an end to that colour.
  bool code_run(int x, int y) {
    uint16_t* const at = pixels_.row(y) + x;
    const uint16_t w = at[-1];
    ended_ = false;
    if (w == 0 || x + kPixelBlock > pixels_.width() || !is_flat_over_row(at, w)) return false;
    bool wanted = true;
    for (int i = 0; i < kPixelBlock; ++i) wanted &= derived().wanted(x + i, y) == w;
    Guess& far = far_[flat_contexts_at(at).far >> (32 - kGuessLog)];
    ended_ = !code_bit(run_[far.index == w ? far.sure : 0], wanted);
    if (ended_) return false;
    std::fill_n(at, kPixelBlock, w);
    far.learn(w);
    return true;
  }

  SMARTSPLAT_APART void code_pixel(int x, int y) {
    uint16_t* const at = pixels_.row(y) + x;
    const bool flat = is_flat(at);
    const Contexts contexts = flat ? flat_contexts_at(at) : contexts_of(at);
    Guess &near = near_[contexts.near >> (32 - kGuessLog)], &far = far_[contexts.far >> (32 - kGuessLog)];
    const uint16_t likeliest = far.index;
    const int wanted = derived().wanted(x, y);
    int found = likeliest;
    if (likeliest == 0 || !(flat && ended_ ? code_bit(end_[x % kPixelBlock], likeliest == wanted)
                                           : code_likely(at, contexts, flat, near, far, likeliest == wanted))) {
      found = code_unlikely(at, contexts, likeliest, wanted);
    }
    *at = static_cast<uint16_t>(found);
    far.learn(*at);
    near.learn(*at);
  }

  // Whether a pixel has the likeliest index. Where that is sure, or all around it is one colour, nothing is mixed.
  bool code_likely(const uint16_t* at, const Contexts& contexts, bool flat, const Guess& near, const Guess& far,
                   bool wanted) {
    const uint16_t likeliest = far.index;
    const size_t agreed = near.index == likeliest ? near.sure : 0;
    BitModel& model = first_[far.sure][agreed][place(at, likeliest)];
    if (flat || (far.sure == Guess::kSurest && agreed == Guess::kSurest)) return coder_.bit(model, wanted) != 0;
    const Beside beside(at, pixels_.stride());
    const std::array<uint32_t, kLikelyContexts> all{contexts.near, contexts.far, wide_context(at),
                                                    static_cast<uint32_t>(mixed(1, beside.w, beside.n))};
    mix_.begin();
    mix_.add(model, model_weights_[far.sure]);
    for (size_t k = 0; k < all.size(); ++k) mix_.add(all[k], (1u << kPaletteLog) + likeliest, likely_weights_[k]);
    const bool found = code_mixed(wanted);
    model.learn(found);
    return found;
  }

  [[gnu::noinline]] bool code_mixed(bool value) {
    if (++mixed_bits_ > most_mixed_) refuse_work();
    mix_.end();
    return coder_.bit(mix_, value) != 0;
  }

  // Which neighbour of a pixel has an index.
  size_t place(const uint16_t* at, uint16_t index) const {
    return index == at[-1] ? 1 : index == at[-pixels_.stride()] ? 2 : 0;
  }

  // Of a pixel that does not have the likeliest index, if there is one: a new one is as great as the palette.
  SMARTSPLAT_APART int code_unlikely(const uint16_t* at, const Contexts& contexts, int likeliest, int wanted) {
    const int known = pixels_.colours();
    if (!code_bit(fresh_, wanted > known)) {
      if (known <= (likeliest != 0)) refuse_blocks();
      return code_known(at, contexts, likeliest, wanted);
    }
    if (known == BlockPixels::kMostColours) refuse_blocks();
    pixels_.add(code_colour(derived().colour(wanted)));
    return known + 1;
  }

  // One of the palette but the likeliest, less 1, from the highest bit down. What has one outcome is not coded.
  int code_known(const uint16_t* at, const Contexts& contexts, int likeliest, int wanted) {
    const Beside beside(at, pixels_.stride());
    const std::array<uint32_t, kKnownContexts> all{
        static_cast<uint32_t>(mixed(2, beside.w)),
        static_cast<uint32_t>(mixed(3, beside.n)),
        static_cast<uint32_t>(mixed(4, beside.w, beside.n, beside.nw)),
        static_cast<uint32_t>(mixed(5, beside.w, beside.n, beside.ne)),
        contexts.near,
        wide_context(at),
    };
    const int known = pixels_.colours();
    int found = 0;
    for (int one = 1 << (kPaletteLog - 1); one > 0; one >>= 1) {
      const int upper = found | one;
      const auto others = [&](int from, int after) {
        after = std::min(after, known);
        return after - from - (from < likeliest && likeliest <= after);
      };
      if (others(upper, upper + one) <= 0) continue;
      bool set = true;
      if (others(found, upper) > 0) {
        mix_.begin();
        for (size_t k = 0; k < all.size(); ++k) mix_.add(all[k], static_cast<uint32_t>(upper), known_weights_[k]);
        set = code_mixed(((wanted - 1) & one) != 0);
      }
      if (set) found = upper;
    }
    return found + 1;
  }

  // A number of so many bits, from 0 to `limit`.
  int code_symbol(BitModel* nodes, int bits, int limit, int value) {
    int found = 0, node = 1;
    for (int bit = bits - 1; bit >= 0; --bit) {
      const int one = 1 << bit;
      const bool set = (found | one) <= limit && code_bit(nodes[node], (value & one) != 0);
      node = 2 * node + set;
      found |= set ? one : 0;
    }
    return found;
  }

  PixelColour code_colour(const PixelColour& colour) {
    int sample = code_symbol(&sample_[0], 8, 255, format_.deep ? colour[0] >> 8 : colour[0]);
    if (format_.deep) sample = sample << 8 | static_cast<int>(coder_.raw(8, colour[0] & 0xFF));
    PixelColour out;
    out.fill(static_cast<uint16_t>(sample));
    for (size_t i = 1; i < 3 && !format_.grey; ++i) {
      sample += difference_[i - 1].code(coder_, colour[i] - colour[i - 1]);
      if (sample < 0 || sample > (format_.deep ? 65535 : 255)) refuse_blocks();
      out[i] = static_cast<uint16_t>(sample);
    }
    return out;
  }

  Zeros<Guess> far_, near_;
  int flat_ = -1;  // the index of the last place that had one around it, and
  Contexts flat_contexts_;
  MixedModel mix_;
  MixedModel::Weights likely_weights_[kLikelyContexts], known_weights_[kKnownContexts];
  std::array<int32_t, Guess::kSurest + 1> model_weights_;
  BitModel flag_[2][2][2], first_[Guess::kSurest + 1][Guess::kSurest + 1][3], fresh_, run_[Guess::kSurest + 1],
      end_[kPixelBlock];
  bool ended_ = false;
  std::array<BitModel, 256> sample_;
  SignedModel difference_[2];
};

}  // namespace smartsplat
