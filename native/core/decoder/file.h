// A file in memory, and the picture that it holds once it is decoded.
#pragma once

#include <memory>
#include <optional>

#include "coding/sections.h"
#include "common/memory.h"
#include "common/parallel.h"
#include "container/container.h"
#include "decoder/renderer.h"

namespace smartsplat {

// The header and the table of contents; the bytes must live as long. Immutable.
class File {
 public:
  // Throws Error if they are not a valid file; see read_container. Streams are looked at when they are decoded.
  explicit File(Bytes bytes) : container_(read_container(bytes)) {}

  const Container& container() const { return container_; }
  int width() const { return container_.width; }
  int height() const { return container_.height; }
  bool grey() const { return container_.grey; }

  // How many splats there are, and what lattice, without decoding them.
  uint64_t splat_count() const { return smartsplat::splat_count(*container_.find(kSplatSection)); }
  std::optional<LatticeHead> lattice_head() const;

  // Throw Error if the streams are not valid, or the lattice is more work than it should be; see budget.h for `work`.
  CodedSplats splats() const { return read_splats(*container_.find(kSplatSection), width(), height()); }
  void quantised_lattice(const LatticeHead& head, int32_t* quantised, double work, const Parallel& parallel) const;
  Buffer<float> lattice(const LatticeHead& head, double work, const Parallel& parallel) const;

 private:
  Bytes lattice_section(const LatticeHead& head, double work) const;

  Container container_;
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
  Renderer renderer_;
};

}  // namespace smartsplat
