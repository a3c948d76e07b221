#include "decoder/file.h"

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

}  // namespace

std::optional<LatticeHead> File::lattice_head() const {
  const std::optional<Bytes> section = container_.find(kLatticeSection);
  if (!section) return std::nullopt;
  return read_lattice_head(*section, width(), height(), grey());
}

Bytes File::lattice_section(const LatticeHead& head, double work) const {
  const Bytes section = *container_.find(kLatticeSection);
  check_lattice(head, section.size(), work);
  return section;
}

void File::quantised_lattice(const LatticeHead& head, int32_t* quantised, double work, const Parallel& parallel) const {
  read_lattice(lattice_section(head, work), head, quantised, parallel);
}

Buffer<float> File::lattice(const LatticeHead& head, double work, const Parallel& parallel) const {
  return read_lattice_values(lattice_section(head, work), head, parallel);
}

Buffer<float> splat_parameters(const CodedSplats& splats, const Parallel& parallel) {
  Buffer<float> parameters(splats.codes.size() * kParameters);
  dequantise(splats.codes, splat_step(splats.step_index), parameters.data(), parallel);
  return parameters;
}

Picture::Picture(const File& file, double work, const Parallel& parallel)
    : parameters_(splat_parameters(file.splats(), parallel)),
      shape_(lattice_shape(file)),
      values_(decoded_lattice(file, work, parallel)),
      renderer_(scene(file), parallel) {}

Scene Picture::scene(const File& file) const {
  return {file.width(), file.height(), {parameters_.data(), splats()}, {shape_, values_.data()}};
}

}  // namespace smartsplat
