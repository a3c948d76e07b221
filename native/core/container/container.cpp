#include "container/container.h"

#include "container/crc32.h"

namespace smartsplat {
namespace {

void append_checked(std::vector<uint8_t>& out, Bytes chunk) {
  if (chunk.empty()) return;
  append(out, chunk);
  append_integer(out, crc32(chunk), kCheckBytes);
}

std::vector<uint64_t> lengths_of(const std::vector<Bytes>& chunks) {
  std::vector<uint64_t> lengths;
  for (const Bytes& chunk : chunks) lengths.push_back(chunk.size());
  return lengths;
}

// The index of a packed part and its chunks.
void append_chunks(std::vector<uint8_t>& out, const std::vector<Bytes>& chunks) {
  for (const Bytes& chunk : chunks) append_number(out, chunk.size());
  for (const Bytes& chunk : chunks) append_checked(out, chunk);
}

std::vector<Bytes> take_chunks(Reader& reader, uint64_t count) {
  if (count > reader.left()) throw Error(ErrorKind::kFormat, "the chunks are fewer than the picture has squares");
  std::vector<uint64_t> lengths(count);
  for (uint64_t& length : lengths) length = reader.number();
  std::vector<Bytes> chunks;
  for (const uint64_t length : lengths) {
    chunks.push_back(reader.take(length));
    if (length > 0) reader.take(kCheckBytes);
  }
  if (!reader.ended()) throw Error(ErrorKind::kFormat, "bytes follow the last chunk");
  return chunks;
}

uint64_t number_bytes(uint64_t value) {
  std::vector<uint8_t> bytes;
  append_number(bytes, value);
  return bytes.size();
}

}  // namespace

Header header_of(const Container& container) {
  Header header;
  header.width = container.width;
  header.height = container.height;
  header.grey = container.grey;
  header.bits = container.bits;
  if (container.alpha) header.alpha = container.alpha->size();
  header.square_log = container.splats.square_log;
  header.splats = container.splats.count;
  header.splat_step = container.splats.step_index;
  if (container.lattice) {
    header.lattice = container.lattice->code;
    header.lattice_square_log = container.lattice->square_log;
  }
  header.blocks = container.blocks.has_value();
  for (const Metadata& metadata : container.metadata) header.metadata.push_back({metadata.kind, metadata.bytes.size()});
  return header;
}

std::vector<uint8_t> write_container(const Container& container) {
  const Header header = header_of(container);
  if (container.blocks && container.blocks->square_log != container.splats.square_log) {
    throw Error(ErrorKind::kFormat, "blocks must have the squares of the splats");
  }
  OfLayers<Bytes> chunks;
  chunks.splats = container.splats.chunks;
  if (container.lattice) chunks.lattice = container.lattice->chunks;
  if (container.blocks) chunks.blocks = container.blocks->chunks;
  std::vector<uint8_t> file =
      write_head(header, {lengths_of(chunks.splats), lengths_of(chunks.lattice), lengths_of(chunks.blocks)});
  for (const Metadata& metadata : container.metadata) append_checked(file, metadata.bytes);
  for_each_tier(header, [&](Layer layer, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; ++i) append_checked(file, chunks.of(layer)[i]);
  });
  if (container.alpha) append(file, *container.alpha);
  return file;
}

std::vector<uint8_t> pack(const SplatBytes& part) {
  std::vector<uint8_t> packed{static_cast<uint8_t>(part.square_log)};
  append_number(packed, part.count);
  packed.push_back(static_cast<uint8_t>(part.step_index));
  append_chunks(packed, part.chunks);
  return packed;
}

std::vector<uint8_t> pack(const LatticeBytes& part) {
  std::vector<uint8_t> packed{static_cast<uint8_t>(part.square_log), static_cast<uint8_t>(part.code.spacing_log)};
  append_integer(packed, static_cast<uint32_t>(part.code.step_index), 2);
  append_chunks(packed, part.chunks);
  return packed;
}

std::vector<uint8_t> pack(const BlockBytes& part) {
  std::vector<uint8_t> packed{static_cast<uint8_t>(part.square_log)};
  append_chunks(packed, part.chunks);
  return packed;
}

SplatBytes unpack_splats(Bytes packed, int width, int height) {
  Reader reader(packed);
  SplatBytes part;
  part.square_log = read_square_log(reader);
  part.count = reader.number();
  part.step_index = reader.byte();
  part.chunks = take_chunks(reader, Tiers::of_splats(width, height, part.square_log).chunks());
  return part;
}

LatticeBytes unpack_lattice(Bytes packed, int width, int height) {
  Reader reader(packed);
  LatticeBytes part;
  part.square_log = read_square_log(reader);
  part.code.spacing_log = reader.byte();
  part.code.step_index = static_cast<int>(reader.integer(2));
  check_lattice_code(part.code);
  part.chunks = take_chunks(reader, Tiers::of_lattice(width, height, part.square_log, part.code.spacing_log).chunks());
  return part;
}

BlockBytes unpack_blocks(Bytes packed, int width, int height) {
  Reader reader(packed);
  BlockBytes part;
  part.square_log = read_square_log(reader);
  part.chunks = take_chunks(reader, Tiers::of_blocks(width, height, part.square_log).chunks());
  return part;
}

uint64_t packed_bytes(const FileMap& map, Layer layer) {
  uint64_t bytes = layer == Layer::kSplats ? 2 + number_bytes(map.header.splats) : layer == Layer::kLattice ? 4 : 1;
  for (const Extent& chunk : map.of(layer)) bytes += number_bytes(chunk.length) + chunk.end() - chunk.at;
  return bytes;
}

}  // namespace smartsplat
