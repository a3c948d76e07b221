// What the decoder and the encoder of blocks share: the models, and the walk over the pixels of a chunk.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "coding/block_stream.h"
#include "coding/models.h"
#include "common/error.h"

namespace smartsplat {

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
      : coder_(coder), format_(format), pixels_(width, height), far_(kGuesses), near_(kGuesses) {}

  void code_all(const Parallel& parallel) {
    const int columns = blocks_along(pixels_.width());
    std::vector<uint8_t> flags(static_cast<size_t>(columns) + 1), over(flags.size());
    for (int y = 0; y < pixels_.height(); ++y) {
      if (y % kPixelBlock == 0) {
        parallel.checkpoint();
        flags.swap(over);
        for (size_t i = 1; i < flags.size(); ++i) {
          const bool wanted = derived().coded(static_cast<int>(i - 1) * kPixelBlock, y);
          flags[i] = static_cast<uint8_t>(coder_.bit(flag_[flags[i - 1]][over[i]][over[i - 1]], wanted));
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
  static constexpr size_t kMostCandidates = 6;

  Coder& coder_;
  SampleFormat format_;
  BlockPixels pixels_;

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }

  // Colours that are likely at a pixel, the likeliest first, each with the model of whether it is that one.
  struct Candidates {
    size_t count = 0;
    std::array<uint16_t, kMostCandidates> indices;
    std::array<BitModel*, kMostCandidates> models;

    void add(uint16_t index, BitModel& model) {
      if (index == 0 || std::find(&indices[0], &indices[count], index) != &indices[count]) return;
      indices[count] = index;
      models[count++] = &model;
    }
  };

  void code_pixel(int x, int y) {
    uint16_t* const at = pixels_.row(y) + x;
    const uint16_t *over = at - pixels_.stride(), *above = over - pixels_.stride();
    const uint16_t w = at[-1], n = over[0], nw = over[-1], ne = over[1];
    uint32_t hash = 0;
    const auto mixed = [&hash](std::initializer_list<uint16_t> context) {
      for (const uint16_t index : context) {
        hash = (hash + index + 1) * kGuessFactor;
        hash ^= hash >> 15;
      }
      return hash >> (32 - kGuessLog);
    };
    Guess& near = near_[mixed({w, n, nw, ne, at[-2], above[0]})];
    Guess& far = far_[mixed({at[-3], over[-2], over[2], above[-1], above[1], above[2], above[-pixels_.stride()]})];
    const int same = (w == n) + 2 * (n == nw) + 4 * (n == ne);
    const auto beside = [&](uint16_t index) { return index == w ? 1 : index == n ? 2 : 0; };
    Candidates likely;
    likely.add(far.index, first_[far.sure][near.index == far.index ? near.sure : 0][beside(far.index)]);
    likely.add(near.index, second_[near.sure][likely.count][beside(near.index)]);
    likely.add(w, beside_[0][same][likely.count]);
    likely.add(n, beside_[1][same][likely.count]);
    likely.add(ne, beside_[2][same][likely.count]);
    likely.add(nw, beside_[3][same][likely.count]);
    const int wanted = derived().wanted(x, y);
    size_t i = 0;
    while (i < likely.count && !coder_.bit(*likely.models[i], likely.indices[i] == wanted)) ++i;
    *at = static_cast<uint16_t>(i < likely.count ? likely.indices[i] : code_other(wanted));
    far.learn(*at);
    near.learn(*at);
  }

  // An index that is no candidate: a new one is as great as the palette.
  int code_other(int wanted) {
    std::vector<PixelColour>& palette = pixels_.palette();
    const int size = static_cast<int>(palette.size());
    if (!coder_.bit(fresh_, wanted == size)) {
      if (size == 1) throw Error(ErrorKind::kFormat, "a chunk of blocks names a colour before there is one");
      return 1 + code_index(size - 2, wanted - 1);
    }
    if (size == 1 << kPaletteLog) throw Error(ErrorKind::kFormat, "a chunk of blocks has too many colours");
    palette.push_back(code_colour(derived().colour(wanted)));
    return size;
  }

  // A number from 0 to `limit`.
  int code_index(int limit, int value) {
    int found = 0;
    for (int bit = kPaletteLog - 1; bit >= 0; --bit) {
      const int one = found | 1 << bit;
      if (one > limit) continue;
      if (coder_.bit(index_[(size_t{1} << (kPaletteLog - 1 - bit)) + static_cast<size_t>(found >> (bit + 1))],
                     value >> bit & 1)) {
        found = one;
      }
    }
    return found;
  }

  PixelColour code_colour(const PixelColour& colour) {
    int sample = sample_.code(coder_, format_.deep ? colour[0] >> 8 : colour[0]);
    if (format_.deep) sample = sample << 8 | static_cast<int>(coder_.raw(8, colour[0] & 0xFF));
    PixelColour out;
    out.fill(static_cast<uint16_t>(sample));
    const int most = format_.deep ? 65535 : 255;
    for (size_t i = 1; i < 3 && !format_.grey; ++i) {
      sample += difference_[i - 1].code(coder_, colour[i] - colour[i - 1]);
      if (sample < 0 || sample > most) throw Error(ErrorKind::kFormat, "a chunk of blocks has an impossible colour");
      out[i] = static_cast<uint16_t>(sample);
    }
    return out;
  }

  std::vector<Guess> far_, near_;
  BitModel flag_[2][2][2], first_[Guess::kSurest + 1][Guess::kSurest + 1][3], second_[Guess::kSurest + 1][2][3],
      beside_[4][8][kMostCandidates], fresh_;
  std::array<BitModel, size_t{1} << kPaletteLog> index_;
  SymbolModel<8> sample_;
  SignedModel difference_[2];
};

}  // namespace smartsplat
