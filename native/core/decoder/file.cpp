#include "decoder/file.h"

#include <numeric>
#include <string>

#include "coding/lattice_rows.h"
#include "container/crc32.h"
#include "decoder/alpha.h"
#include "decoder/budget.h"

namespace smartsplat {
namespace {

Buffer<float> decoded_lattice(const File& file, double work, const Parallel& parallel) {
  const std::optional<LatticeHead> head = file.lattice_head();
  return head ? file.lattice(*head, work, parallel) : Buffer<float>();
}

LatticeShape lattice_shape(const File& file) {
  const std::optional<LatticeHead> head = file.lattice_head();
  return head ? head->shape : LatticeShape{};
}

ByteSource source_in(Bytes bytes) {
  return [bytes](const Extent& extent) {
    return bytes.subspan(static_cast<size_t>(extent.at), static_cast<size_t>(extent.end() - extent.at));
  };
}

}  // namespace

File::File(Bytes head, uint64_t size, ByteSource rest)
    : map_(std::make_shared<const FileMap>(read_map(head))), source_(std::move(rest)) {
  if (size < map_->file_bytes) throw Error(ErrorKind::kFormat, "the file ends too early");
  if (size > map_->file_bytes) throw Error(ErrorKind::kFormat, "the file is longer than it says");
}

File::File(Bytes bytes) : File(bytes, bytes.size(), source_in(bytes)) {
  if (header().alpha) alpha_ = open_alpha(bytes, *map_);
}

File File::of(FileMap map, Bytes bytes) {
  return File(std::make_shared<const FileMap>(std::move(map)), source_in(bytes));
}

std::optional<LatticeHead> File::lattice_head() const {
  if (!header().lattice) return std::nullopt;
  return LatticeHead(*header().lattice, width(), height(), grey(), header().lattice_square_log);
}

uint64_t File::part_bytes(Layer layer) const { return packed_bytes(*map_, layer); }

// Many readers: the name is made for messages only.
Bytes File::checked(const Extent& extent, const std::function<std::string()>& name) const {
  if (extent.length == 0) return {};
  const Bytes all = source_(extent);
  const Bytes bytes = all.first(static_cast<size_t>(extent.length));
  if (Reader(all.subspan(bytes.size())).integer(kCheckBytes) != crc32(bytes)) {
    throw Error(ErrorKind::kFormat, name() + " is damaged");
  }
  return bytes;
}

std::string File::chunk_name(Layer layer, uint64_t number) const {
  const Tiers tiers = header().tiers(layer);
  const Place place = tiers.place(number);
  const int log = tiers.squares(place.tier).log;
  const auto from = [log](int index) { return std::to_string(int64_t{index} << log); };
  const char* const name = layer == Layer::kLattice  ? "the lattice"
                           : layer == Layer::kSplats ? "the splats"
                                                     : "the blocks";
  return std::string(name) + " at " + from(place.column) + ", " + from(place.row) + " px (tier " +
         std::to_string(place.tier) + ")";
}

Bytes File::chunk(Layer layer, uint64_t number) const {
  return checked(map_->of(layer)[number], [&] { return chunk_name(layer, number); });
}

std::vector<Bytes> File::chunks(Layer layer) const {
  std::vector<Bytes> all;
  for (uint64_t i = 0; i < map_->of(layer).size(); ++i) all.push_back(chunk(layer, i));
  return all;
}

ChunkSource File::source(Layer layer) const {
  return [this, layer](uint64_t number) { return chunk(layer, number); };
}

std::optional<Extent> File::metadata_extent(uint8_t kind) const {
  for (size_t i = 0; i < map_->metadata.size(); ++i) {
    if (header().metadata[i].kind == kind) return map_->metadata[i];
  }
  return std::nullopt;
}

std::optional<Bytes> File::metadata(uint8_t kind) const {
  const std::optional<Extent> extent = metadata_extent(kind);
  if (!extent) return std::nullopt;
  return checked(*extent, [&] { return named(kind); });
}

void File::check() const {
  for (const Layer layer : {Layer::kSplats, Layer::kLattice, Layer::kBlocks}) chunks(layer);
  for (const MetadataEntry& entry : header().metadata) metadata(entry.kind);
  if (alpha_) alpha_->check();
}

SplatBytes File::splat_part() const {
  return {header().splats, header().splat_step, header().square_log, chunks(Layer::kSplats)};
}

std::optional<LatticeBytes> File::lattice_part() const {
  if (!header().lattice) return std::nullopt;
  return LatticeBytes{*header().lattice, header().lattice_square_log, chunks(Layer::kLattice)};
}

std::optional<BlockBytes> File::block_part() const {
  if (!header().blocks) return std::nullopt;
  return BlockBytes{header().square_log, chunks(Layer::kBlocks)};
}

CodedSplats File::splats(const Parallel& parallel) const {
  return {read_splats(source(Layer::kSplats), header().splat_tiers(), header().splats, width(), height(), parallel),
          header().splat_step};
}

void File::quantised_lattice(const LatticeHead& head, int32_t* quantised, double work, const Parallel& parallel) const {
  check_lattice(head, part_bytes(Layer::kLattice), work);
  read_lattice(source(Layer::kLattice), head, quantised, parallel);
}

Buffer<float> File::lattice(const LatticeHead& head, double work, const Parallel& parallel) const {
  check_lattice(head, part_bytes(Layer::kLattice), work);
  Buffer<float> values(3 * head.shape.nodes());
  read_lattice_values(source(Layer::kLattice), head, values.data(), parallel);
  return values;
}

BlockHead File::block_head() const {
  return {width(), height(), header().block_tiers(), {grey(), header().bits > kLeastBits}};
}

Blocks File::blocks(double work, const Parallel& parallel) const {
  std::vector<uint64_t> all(map_->blocks.size());
  std::iota(all.begin(), all.end(), uint64_t{0});
  return {source(Layer::kBlocks), block_head(), all, work, parallel};
}

Buffer<float> splat_parameters(const CodedSplats& splats, const Parallel& parallel) {
  Buffer<float> parameters(splats.codes.size() * kParameters);
  dequantise(splats.codes, splat_step(splats.step_index), parameters.data(), parallel);
  return parameters;
}

Picture::Picture(const File& file, double work, const Parallel& parallel)
    : parameters_(splat_parameters(file.splats(parallel), parallel)),
      shape_(lattice_shape(file)),
      values_(decoded_lattice(file, work, parallel)),
      blocks_(file.blocks(work, parallel)),
      renderer_(scene(file), parallel, Views::kMany) {}

Scene Picture::scene(const File& file) const {
  return {file.width(), file.height(), {parameters_.data(), splats()}, {shape_, values_.data()}, &blocks_};
}

}  // namespace smartsplat
