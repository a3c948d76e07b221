// Dependent quantisation: there are two quantisers, one with the even multiples of the step, one with the odd ones and
// zero, and the parities of the magnitudes before decide which one a coefficient has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace smartsplat {

inline constexpr int kQuantisers = 2;
inline constexpr int kQuantiserStates = 8;

// The state after one, by the parity of the magnitude.
inline constexpr std::array<std::array<uint8_t, 2>, kQuantiserStates> kNextQuantiserState = {
    {{0, 2}, {5, 7}, {1, 3}, {6, 4}, {2, 0}, {4, 6}, {3, 1}, {7, 5}}};

// From which two states, with codes of which parities, one is reached.
struct StateBefore {
  size_t state, parity;
};
inline constexpr auto kBefore = [] {
  std::array<std::array<StateBefore, 2>, kQuantiserStates> before{};
  std::array<size_t, kQuantiserStates> found{};
  for (size_t state = 0; state < kQuantiserStates; ++state) {
    for (size_t parity = 0; parity < 2; ++parity) {
      const size_t next = kNextQuantiserState[state][parity];
      before[next][found[next]++] = {state, parity};
    }
  }
  return before;
}();

// Which quantiser the next coefficient of a band has; at its beginning the even one.
class QuantiserState {
 public:
  constexpr QuantiserState() = default;
  constexpr explicit QuantiserState(int state) : state_(state) {}

  constexpr int index() const { return state_; }
  constexpr int quantiser() const { return state_ & 1; }
  constexpr QuantiserState after(int code) const {
    return QuantiserState(kNextQuantiserState[static_cast<size_t>(state_)][static_cast<size_t>(code & 1)]);
  }

 private:
  int state_ = 0;
};

// The multiple of the step that a quantiser's code stands for, and the code's magnitude again.
constexpr int32_t multiple_of(int code, int quantiser) {
  return code > 0 ? 2 * code - quantiser : code < 0 ? 2 * code + quantiser : 0;
}
constexpr int code_magnitude(int32_t multiple) { return (multiple < 0 ? 1 - multiple : 1 + multiple) / 2; }

}  // namespace smartsplat
