#include "rendering/ledger.h"

#include "common/error.h"

namespace smartsplat {

void Ledger::charge(uint64_t pairs, uint64_t splat_pixels) {
  // Nothing that is charged at once comes near 2^63, so a sum that has once exceeded its limit does not wrap.
  const bool few = spent_pairs_.fetch_add(pairs, std::memory_order_relaxed) + pairs <= pairs_;
  const bool small = spent_pixels_.fetch_add(splat_pixels, std::memory_order_relaxed) + splat_pixels <= splat_pixels_;
  if (few && small) return;
  throw Error(ErrorKind::kLimit,
              "the file's splats overlap so much that this view takes far more work than one of its size should; "
              "allow more with max_work");
}

}  // namespace smartsplat
