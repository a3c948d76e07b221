#include "coding/range_coder.h"

#include <cmath>

namespace smartsplat {

// Moves the top byte of low_ out. A byte waits in cache_, and runs of 0xFF behind it in pending_, until it is
// known whether a carry reaches them.
void Encoder::shift() {
  const bool carry = low_ >> 32;
  if (carry || static_cast<uint32_t>(low_) < 0xFF000000u) {
    if (started_) bytes_.push_back(static_cast<uint8_t>(cache_ + carry));
    for (; pending_ > 0; --pending_) bytes_.push_back(static_cast<uint8_t>(0xFF + carry));
    cache_ = static_cast<uint8_t>(low_ >> 24);
    started_ = true;
  } else {
    ++pending_;
  }
  low_ = (low_ & 0x00FFFFFFu) << 8;
}

std::vector<uint8_t> Encoder::finish() {
  // The shortest number in [low, low + range): the decoder reads zeros after the end.
  for (int kept = 8; kept <= 32; kept += 8) {
    const uint64_t mask = (uint64_t{1} << (32 - kept)) - 1;
    const uint64_t candidate = (low_ + mask) & ~mask;
    if (candidate < low_ + range_) {
      low_ = candidate;
      break;
    }
  }
  for (int i = 0; i < 5; ++i) shift();
  for (int i = 0; i < 4 && !bytes_.empty() && bytes_.back() == 0; ++i) bytes_.pop_back();
  return std::move(bytes_);
}

const std::array<uint32_t, 4097> kPrices = [] {
  std::array<uint32_t, 4097> prices{};
  for (size_t i = 0; i < prices.size(); ++i) {
    prices[i] = static_cast<uint32_t>(std::lround(-65536 * std::log2((static_cast<double>(i) + 0.5) / 4096)));
  }
  return prices;
}();

}  // namespace smartsplat
