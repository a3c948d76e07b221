// What the drawing of a view may cost, and what it has cost so far.
#pragma once

#include <atomic>
#include <cstdint>

namespace smartsplat {

// Counts what a view's splats cost while they are sorted into its tiles, before anything is drawn. Threads may share
// it.
class Ledger {
 public:
  // How many pairs of a splat and a tile, and how many pixels of all splats together, there may be.
  Ledger(uint64_t pairs, uint64_t splat_pixels) : pairs_(pairs), splat_pixels_(splat_pixels) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Throws Error of the kind kLimit if that is more than there may be.
  void charge(uint64_t pairs, uint64_t splat_pixels);

 private:
  const uint64_t pairs_, splat_pixels_;
  std::atomic<uint64_t> spent_pairs_{0}, spent_pixels_{0};
};

}  // namespace smartsplat
