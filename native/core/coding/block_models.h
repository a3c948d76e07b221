// What the decoder and the encoder of blocks share: the models, and the walk over the pixels of a chunk.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "coding/block_stream.h"
#include "coding/models.h"
#include "common/apart.h"
#include "common/error.h"

namespace smartsplat {

// Throws Error: the bytes cannot be such a chunk.
[[noreturn]] void refuse_blocks();

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
  BlockStream(Coder& coder, int width, int height, SampleFormat format)
      : coder_(coder),
        format_(format),
        pixels_(width, height),
        far_(zeros<Guess>(kGuesses)),
        near_(zeros<Guess>(kGuesses)) {}

  void code_all(const Parallel& parallel) {
    const int columns = blocks_along(pixels_.width());
    std::vector<uint8_t> flags(static_cast<size_t>(columns) + 1), over(flags.size());
    for (int y = 0; y < pixels_.height(); ++y) {
      if (y % kPixelBlock == 0) {
        parallel.checkpoint();
        flags.swap(over);
        for (size_t i = 1; i < flags.size(); ++i) {
          const bool wanted = derived().coded(static_cast<int>(i - 1) * kPixelBlock, y);
          flags[i] = code_bit(flag_[flags[i - 1]][over[i]][over[i - 1]], wanted);
        }
      }
      for (int x = 0; x < pixels_.width(); ++x) {
        if (flags[static_cast<size_t>(x / kPixelBlock) + 1]) code_pixel(x, y);
      }
      derived().after_row();
    }
  }

 protected:
  static constexpr size_t kGuesses = size_t{1} << kGuessLog;
  static constexpr size_t kCandidates = 6;

  Coder& coder_;
  SampleFormat format_;
  BlockPixels pixels_;

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }

  // One place for most bits, for decoders that have to be small.
  [[gnu::noinline]] bool code_bit(BitModel& model, bool value) { return coder_.bit(model, value) != 0; }

  // Of the guesses for a pixel.
  struct Places {
    uint32_t near = 0, far = 0;
  };

  // Where all that a pixel is guessed by is one colour, as in most of a text, the places are those of the last such
  // pixel of that colour.
  Places places_of(const uint16_t* at) {
    const uint16_t *over = at - pixels_.stride(), *above = over - pixels_.stride(), *top = above - pixels_.stride();
    const uint16_t w = at[-1];
    const bool flat =
        four_are(over - 2, w) && four_are(above - 1, w) && over[2] == w && at[-2] == w && at[-3] == w && *top == w;
    if (flat && w == flat_) return flat_places_;
    uint32_t hash = 0;
    const auto mixed = [&hash](std::initializer_list<uint16_t> context) {
      for (const uint16_t index : context) {
        hash = (hash + index + 1) * kGuessFactor;
        hash ^= hash >> 15;
      }
      return hash >> (32 - kGuessLog);
    };
    Places places;
    places.near = mixed({w, over[0], over[-1], over[1], at[-2], above[0]});
    places.far = mixed({at[-3], over[-2], over[2], above[-1], above[1], above[2], *top});
    if (flat) {
      flat_ = w;
      flat_places_ = places;
    }
    return places;
  }

  static bool four_are(const uint16_t* indices, uint16_t index) {
    uint64_t four;
    std::memcpy(&four, indices, sizeof four);
    return four == index * uint64_t{0x0001000100010001};
  }

  SMARTSPLAT_APART void code_pixel(int x, int y) {
    uint16_t* const at = pixels_.row(y) + x;
    const Places places = places_of(at);
    Guess &near = near_[places.near], &far = far_[places.far];
    const uint16_t likeliest = far.index;
    const int wanted = derived().wanted(x, y);
    int found = likeliest;
    if (likeliest == 0 || !coder_.bit(first_[far.sure][near.index == likeliest ? near.sure : 0][beside(at, likeliest)],
                                      likeliest == wanted)) {
      found = code_unlikely(at, likeliest, near, wanted);
    }
    *at = static_cast<uint16_t>(found);
    far.learn(*at);
    near.learn(*at);
  }

  // Which neighbour of a pixel has an index.
  size_t beside(const uint16_t* at, uint16_t index) const {
    return index == at[-1] ? 1 : index == at[-pixels_.stride()] ? 2 : 0;
  }

  // Of a pixel that does not have the likeliest index, if there is one.
  SMARTSPLAT_APART int code_unlikely(const uint16_t* at, uint16_t likeliest, const Guess& near, int wanted) {
    const uint16_t* over = at - pixels_.stride();
    const uint16_t w = at[-1], n = over[0], nw = over[-1], ne = over[1];
    const int same = (w == n) + 2 * (n == nw) + 4 * (n == ne);
    const std::array<uint16_t, kCandidates> likely{likeliest, near.index, w, n, ne, nw};
    for (size_t k = 1, before = likeliest != 0; k < kCandidates; ++k) {
      const uint16_t index = likely[k];
      if (index == 0 || std::find(&likely[0], &likely[k], index) != &likely[k]) continue;
      BitModel& model = k == 1 ? second_[near.sure][before][beside(at, index)] : beside_[k - 2][same][before];
      if (code_bit(model, index == wanted)) return index;
      ++before;
    }
    return code_other(wanted);
  }

  // An index that is no candidate: a new one is as great as the palette.
  int code_other(int wanted) {
    const int known = pixels_.colours();
    if (!code_bit(fresh_, wanted > known)) {
      if (known == 0) refuse_blocks();
      return 1 + code_symbol(&index_[0], kPaletteLog, known - 1, wanted - 1);
    }
    if (known == BlockPixels::kMostColours) refuse_blocks();
    pixels_.add(code_colour(derived().colour(wanted)));
    return known + 1;
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
  Places flat_places_;
  BitModel flag_[2][2][2], first_[Guess::kSurest + 1][Guess::kSurest + 1][3], second_[Guess::kSurest + 1][2][3],
      beside_[4][8][kCandidates], fresh_;
  std::array<BitModel, size_t{1} << kPaletteLog> index_;
  std::array<BitModel, 256> sample_;
  SignedModel difference_[2];
};

}  // namespace smartsplat
