// A binary range coder with adaptive probabilities; integer arithmetic only, so that every machine agrees.
//
// Encoder, Decoder and Pricer have the same verbs: bit(model, value) and raw(bits, value) take the value to
// code and return the value coded; a decoder ignores the argument. One description of a stream serves all three.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace smartsplat {

constexpr int kProbabilityBits = 16;
constexpr int32_t kLeastProbability = 1 << 5;  // of 2^16
constexpr int kSlowest = 40;                   // a model that has seen this many bits adapts no slower

// Steps of adaptation, 2^15 / (n + 1.5), of a model that has seen n bits.
inline constexpr std::array<int32_t, kSlowest + 1> kAdaptation = [] {
  std::array<int32_t, kSlowest + 1> steps{};
  for (int32_t n = 0; n <= kSlowest; ++n) steps[static_cast<size_t>(n)] = (2 << 15) / (2 * n + 3);
  return steps;
}();

// The probability of a one, learned from the bits seen so far.
class BitModel {
 public:
  BitModel() = default;
  constexpr BitModel(int32_t probability, int32_t seen) : probability_(probability), seen_(seen) {}

  uint32_t probability() const { return static_cast<uint32_t>(probability_); }
  void learn(int bit) {
    const int32_t goal = kLeastProbability + (-bit & (65536 - 2 * kLeastProbability));
    probability_ += (goal - probability_) * kAdaptation[static_cast<size_t>(seen_)] >> 15;
    seen_ += seen_ < kSlowest;
  }

 private:
  int32_t probability_ = 1 << (kProbabilityBits - 1);
  int32_t seen_ = 0;
};

// The same that never is so sure that bits cost next to nothing: at least 1/22 bit each.
class UnsureBitModel {
 public:
  uint32_t probability() const { return std::clamp(model_.probability(), kLeast, 65536 - kLeast); }
  void learn(int bit) { model_.learn(bit); }

 private:
  static constexpr uint32_t kLeast = 1 << 11;
  BitModel model_;
};

class Encoder {
 public:
  static constexpr bool kDecodes = false;

  template <class Model>
  int bit(Model& model, int value) {
    const uint32_t bound = (range_ >> kProbabilityBits) * model.probability();
    if (value) {
      range_ = bound;
    } else {
      low_ += bound;
      range_ -= bound;
    }
    normalise();
    model.learn(value);
    return value;
  }

  // `bits` equally likely bits, at most 16.
  uint32_t raw(int bits, uint32_t value) {
    range_ >>= bits;
    low_ += static_cast<uint64_t>(value) * range_;
    normalise();
    return value;
  }

  std::vector<uint8_t> finish();

 private:
  void normalise() {
    while (range_ < (1u << 24)) {
      shift();
      range_ <<= 8;
    }
  }
  void shift();

  std::vector<uint8_t> bytes_;
  uint64_t low_ = 0;
  uint32_t range_ = 0xFFFFFFFFu;
  uint8_t cache_ = 0;
  uint64_t pending_ = 0;  // bytes of 0xFF that a carry may still change
  bool started_ = false;
};

class Decoder {
 public:
  static constexpr bool kDecodes = true;

  explicit Decoder(std::span<const uint8_t> bytes) : bytes_(bytes) {
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next();
  }

  template <class Model>
  int bit(Model& model, int = 0) {
    const uint32_t bound = (range_ >> kProbabilityBits) * model.probability();
    const int value = code_ < bound;
    // Without a branch, which would be foreseen wrongly for most bits worth coding.
    const uint32_t one = static_cast<uint32_t>(-value);
    code_ -= bound & ~one;
    range_ = (bound & one) | ((range_ - bound) & ~one);
    normalise();
    model.learn(value);
    return value;
  }

  uint32_t raw(int bits, uint32_t = 0) {
    range_ >>= bits;
    uint32_t value = code_ / range_;
    if (value >> bits) value = (1u << bits) - 1;  // corrupt data only
    code_ -= value * range_;
    normalise();
    return value;
  }

  // True if more was read than an encoder can have left out at the end.
  bool exhausted() const { return at_ > bytes_.size() + 4; }
  // What is left after the bytes that an encoder can have written so far.
  std::span<const uint8_t> unread() const { return bytes_.subspan(std::min(at_, bytes_.size())); }
  bool only_zeros_unread() const {
    return std::ranges::all_of(unread(), [](uint8_t byte) { return byte == 0; });
  }

 private:
  uint8_t next() {
    const size_t at = at_++;
    return at < bytes_.size() ? bytes_[at] : 0;
  }
  void normalise() {
    while (range_ < (1u << 24)) {
      code_ = code_ << 8 | next();
      range_ <<= 8;
    }
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  uint32_t code_ = 0;
  uint32_t range_ = 0xFFFFFFFFu;
};

// A coder for as long as this lives. A decoder's numbers are copied and put back, so that they stay in registers where
// bytes are written, which could change them elsewhere.
template <class Coder>
struct Held {
  explicit Held(Coder& of) : coder(of), of_(of) {}
  ~Held() {
    if constexpr (Coder::kDecodes) of_ = coder;
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  std::conditional_t<Coder::kDecodes, Coder, Coder&> coder;

 private:
  Coder& of_;
};

// -log2(p / 2^16) in 1/65536 bits for p in steps of 16.
extern const std::array<uint32_t, 4097> kPrices;

// What a bit costs by a model, in 1/65536 bits.
template <class Model>
uint32_t price(const Model& model, int bit) {
  const uint32_t p = model.probability();
  return kPrices[(bit ? p : 65536 - p) >> 4];
}

// Adds up what an encoder would write, in 1/65536 bits; the models learn nothing.
class Pricer {
 public:
  static constexpr bool kDecodes = false;

  int bit(const BitModel& model, int value) {
    price_ += smartsplat::price(model, value);
    return value;
  }
  uint32_t raw(int bits, uint32_t value) {
    price_ += static_cast<uint64_t>(bits) << 16;
    return value;
  }
  uint64_t price() const { return price_; }

 private:
  uint64_t price_ = 0;
};

}  // namespace smartsplat
