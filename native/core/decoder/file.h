// A file, and the picture that it holds once it is decoded.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coding/sections.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "container/header.h"
#include "decoder/blocks.h"
#include "decoder/renderer.h"

namespace smartsplat {

// Where the bytes of a file come from: those of an extent, with the checksum behind them. They must live as long as the
// source. Throws Error of the kind kRead if they are not there. May be called from many threads at once.
using ByteSource = std::function<Bytes(const Extent&)>;

// Header and index, and a way to the rest; copies are cheap. Immutable.
class File {
 public:
  // Of bytes that must live as long. Throws Error if the front of the file is not valid, see read_map, or the file is
  // not as long as that says. Chunks are looked at when they are asked for.
  explicit File(Bytes bytes);
  // A file of that many bytes of which the front is there.
  File(Bytes head, uint64_t size, ByteSource rest);
  // Of what is known of its front; the bytes must hold what that says, but for the alpha picture, which is not opened.
  static File of(FileMap map, Bytes bytes);
  // The same file, with its bytes from elsewhere.
  File with(ByteSource source) const { return File(map_, std::move(source)); }

  const FileMap& map() const { return *map_; }
  const Header& header() const { return map_->header; }
  int width() const { return header().width; }
  int height() const { return header().height; }
  bool grey() const { return header().grey; }
  uint64_t splat_count() const { return header().splats; }
  std::optional<LatticeHead> lattice_head() const;
  // The file of the alpha picture, null if there is none, or only the front of this one is there; see alpha.h.
  const File* alpha() const { return alpha_.get(); }
  const Extent& alpha_extent() const { return map_->alpha; }

  // Bytes of a part, with its share of header and index.
  uint64_t part_bytes(Layer layer) const;

  // All of these throw Error if something is damaged: the text says which chunk, and where it is in the picture.

  // Looks at the checksums of all that is in the file.
  void check() const;
  // Nothing if there is none.
  std::optional<Extent> metadata_extent(uint8_t kind) const;
  std::optional<Bytes> metadata(uint8_t kind) const;
  // With the bytes of all chunks.
  SplatBytes splat_part() const;
  std::optional<LatticeBytes> lattice_part() const;
  std::optional<BlockBytes> block_part() const;

  // Throw Error also if the lattice is more work than it should be; see budget.h for `work`.
  CodedSplats splats(const Parallel& parallel) const;
  void quantised_lattice(const LatticeHead& head, int32_t* quantised, double work, const Parallel& parallel) const;
  Buffer<float> lattice(const LatticeHead& head, double work, const Parallel& parallel) const;

  // Throws Error also if they are more work than they should be; none if the file has none.
  BlockHead block_head() const;
  Blocks blocks(double work, const Parallel& parallel) const;

  // The chunks of a part; the file must live as long.
  ChunkSource source(Layer layer) const;

 private:
  File(std::shared_ptr<const FileMap> map, ByteSource source) : map_(std::move(map)), source_(std::move(source)) {}
  Bytes checked(const Extent& extent, const std::function<std::string()>& name) const;
  Bytes chunk(Layer layer, uint64_t number) const;
  std::vector<Bytes> chunks(Layer layer) const;
  std::string chunk_name(Layer layer, uint64_t number) const;

  std::shared_ptr<const FileMap> map_;
  ByteSource source_;
  std::shared_ptr<const File> alpha_;
};

// The rows of parameters that coded splats stand for.
Buffer<float> splat_parameters(const CodedSplats& splats, const Parallel& parallel);

// A decoded file that serves views.
class Picture {
 public:
  Picture(const File& file, double work, const Parallel& parallel);

  const Renderer& renderer() const { return renderer_; }
  size_t splats() const { return parameters_.size() / kParameters; }
  const float* parameters() const { return parameters_.data(); }

 private:
  Scene scene(const File& file) const;

  Buffer<float> parameters_;
  LatticeShape shape_{};
  Buffer<float> values_;
  Blocks blocks_;
  Renderer renderer_;
};

}  // namespace smartsplat
