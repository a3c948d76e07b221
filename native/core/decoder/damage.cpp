#include "decoder/damage.h"

#include <algorithm>
#include <utility>

#include "container/crc32.h"
#include "decoder/alpha.h"

namespace smartsplat {
namespace {

enum class State { kWhole, kDamaged, kMissing };

State state_of(Bytes bytes, const Extent& extent) {
  if (extent.end() > bytes.size()) return State::kMissing;
  const Bytes all = bytes.subspan(static_cast<size_t>(extent.at), static_cast<size_t>(extent.end() - extent.at));
  const Bytes content = all.first(static_cast<size_t>(extent.length));
  return Reader(all.subspan(content.size())).integer(kCheckBytes) == crc32(content) ? State::kWhole : State::kDamaged;
}

// Takes what is lost out of a map.
class Salvage {
 public:
  Salvage(Bytes bytes, FileMap& map, std::vector<Damage>& damage) : bytes_(bytes), map_(map), damage_(damage) {}

  void take_lattice() {
    if (!map_.header.lattice) return;
    const Tiers tiers = map_.header.lattice_tiers();
    std::vector<size_t> roots(map_.lattice.size(), kNone);  // of each chunk, the damage that it is lost by
    for (uint64_t chunk = 0; chunk < roots.size(); ++chunk) {
      Extent& extent = map_.lattice[chunk];
      const Place place = tiers.place(chunk);
      const size_t above = place.tier + 1 < tiers.count() ? roots[tiers.chunk(tiers.above(place))] : kNone;
      roots[chunk] = above;
      const State state = extent.length > 0 ? state_of(bytes_, extent) : State::kWhole;
      if (state != State::kWhole) {
        if (above == kNone) roots[chunk] = damage_.size();
        add(Damage::Of::kLattice, state, tiers, place);
      } else if (above != kNone && extent.length > 0) {
        ++damage_[above].depending;
      }
      if (roots[chunk] != kNone) extent.length = 0;
    }
  }

  void take_splats() {
    const Tiers tiers = map_.header.splat_tiers();
    map_.header.splats = 0;
    for (uint64_t chunk = 0; chunk < map_.splats.size(); ++chunk) {
      Extent& extent = map_.splats[chunk];
      if (extent.length == 0) continue;
      const State state = state_of(bytes_, extent);
      if (state == State::kWhole) {
        map_.header.splats += count_of(extent);
        continue;
      }
      add(Damage::Of::kSplats, state, tiers, tiers.place(chunk));
      extent.length = 0;
    }
  }

  void take_blocks() {
    const Tiers tiers = map_.header.block_tiers();
    for (uint64_t chunk = 0; chunk < map_.blocks.size(); ++chunk) {
      Extent& extent = map_.blocks[chunk];
      const State state = extent.length > 0 ? state_of(bytes_, extent) : State::kWhole;
      if (state == State::kWhole) continue;
      add(Damage::Of::kBlocks, state, tiers, tiers.place(chunk));
      extent.length = 0;
    }
  }

  void take_metadata() {
    const std::vector<MetadataEntry> entries = std::exchange(map_.header.metadata, {});
    const std::vector<Extent> extents = std::exchange(map_.metadata, {});
    for (size_t i = 0; i < entries.size(); ++i) {
      const State state = extents[i].length > 0 ? state_of(bytes_, extents[i]) : State::kWhole;
      if (state == State::kWhole) {
        map_.header.metadata.push_back(entries[i]);
        map_.metadata.push_back(extents[i]);
      } else {
        damage_.push_back({Damage::Of::kMetadata, state == State::kMissing, entries[i].kind, {}, whole(), 0});
      }
    }
  }

  // What is there of the file of the alpha picture; without a valid front there is none.
  std::optional<Extent> take_alpha() {
    if (!map_.header.alpha) return std::nullopt;
    const Extent said = std::exchange(map_.alpha, {});
    map_.header.alpha.reset();
    const uint64_t at = std::min<uint64_t>(said.at, bytes_.size());
    const Extent there{at, std::min(said.length, bytes_.size() - at)};
    try {
      check_alpha(read_map(bytes_.subspan(static_cast<size_t>(there.at), static_cast<size_t>(there.length))).header,
                  map_.header);
      return there;
    } catch (const Error&) {
      damage_.push_back({Damage::Of::kAlpha, there.length < said.length, 0, {}, whole(), 0});
      return std::nullopt;
    }
  }

 private:
  static constexpr size_t kNone = ~size_t{0};
  static constexpr size_t kMost = 1 << 16;  // of a list: an index of few bytes may have millions of chunks

  Rectangle whole() const { return {0, 0, map_.header.width, map_.header.height}; }

  // How many splats a chunk says it has. One that says no number fails when it is decoded.
  uint64_t count_of(const Extent& extent) const {
    try {
      return Reader(bytes_.subspan(static_cast<size_t>(extent.at), static_cast<size_t>(extent.length))).number();
    } catch (const Error&) {
      return 0;
    }
  }

  void add(Damage::Of of, State state, const Tiers& tiers, const Place& place) {
    if (damage_.size() >= kMost) throw Error(ErrorKind::kLimit, "too many chunks are lost to be listed");
    const Rectangle square = rectangle_of(tiers, place, map_.header.width, map_.header.height);
    damage_.push_back({of, state == State::kMissing, 0, place, square, 0});
  }

  Bytes bytes_;
  FileMap& map_;
  std::vector<Damage>& damage_;
};

}  // namespace

Salvaged salvage(Bytes bytes) {
  FileMap map = read_map(bytes);
  std::vector<Damage> damage;
  Salvage work(bytes, map, damage);
  work.take_lattice();
  work.take_splats();
  work.take_blocks();
  work.take_metadata();
  const std::optional<Extent> alpha = work.take_alpha();
  return {File::of(std::move(map), bytes), alpha, std::move(damage)};
}

}  // namespace smartsplat
