#include "coding/decoded_chunks.h"

#include <algorithm>
#include <utility>

namespace smartsplat {
namespace {

constexpr size_t kOverhead = 160;  // bytes of an entry beside what it holds, about

constexpr size_t kMostEntries = 2048;  // each is looked at whenever one is looked for

uint64_t key_of(bool lattice, uint64_t chunk) { return 2 * chunk + lattice; }

}  // namespace

size_t DecodedChunk::bytes() const {
  return kOverhead + splats.capacity() * sizeof(SplatCode) + coefficients.capacity() * sizeof(int16_t);
}

std::vector<DecodedChunks::Entry>::iterator DecodedChunks::entry(bool lattice, uint64_t chunk) const {
  const uint64_t key = key_of(lattice, chunk);
  return std::find_if(entries_.begin(), entries_.end(), [key](const Entry& entry) { return entry.key == key; });
}

SharedChunk DecodedChunks::find(bool lattice, uint64_t chunk, int finest) const {
  std::lock_guard lock(lock_);
  const auto found = entry(lattice, chunk);
  if (found == entries_.end() || found->chunk->finest > finest) return nullptr;
  found->used = ++clock_;
  return found->chunk;
}

void DecodedChunks::keep(bool lattice, uint64_t chunk, SharedChunk decoded) {
  std::lock_guard lock(lock_);
  if (decoded->bytes() > most_bytes_) return;  // or it would drop all others
  const auto found = entry(lattice, chunk);
  Entry& place = found == entries_.end() ? entries_.emplace_back() : *found;
  if (place.chunk) bytes_ -= place.chunk->bytes();
  bytes_ += decoded->bytes();
  place = {key_of(lattice, chunk), ++clock_, std::move(decoded)};
  drop_oldest();
}

void DecodedChunks::limit(size_t most_bytes) {
  std::lock_guard lock(lock_);
  most_bytes_ = most_bytes;
  drop_oldest();
}

size_t DecodedChunks::bytes() const {
  std::lock_guard lock(lock_);
  return bytes_;
}

void DecodedChunks::drop_oldest() {
  while (bytes_ > most_bytes_ || entries_.size() > kMostEntries) {
    const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                         [](const Entry& a, const Entry& b) { return a.used < b.used; });
    bytes_ -= oldest->chunk->bytes();
    *oldest = std::move(entries_.back());
    entries_.pop_back();
  }
}

}  // namespace smartsplat
