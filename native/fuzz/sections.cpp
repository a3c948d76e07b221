// Sections, in a container that is right: see make_corpus.py for what the bytes mean.
#include <algorithm>

#include "container/container.h"
#include "fuzz/exercise.h"

using namespace smartsplat;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices(data, size);
  const uint8_t flags = choices.byte();
  const int width = 1 + choices.number(), height = 1 + choices.number();
  const size_t wanted = static_cast<size_t>(choices.number());
  Choices views = choices;
  for (int i = 0; i < 26; ++i) choices.byte();
  const Bytes rest(data, choices.left());
  const Bytes splats = rest.first(std::min(wanted, rest.size())), lattice = rest.subspan(splats.size());
  Container container{width, height, (flags & 1) != 0, {{kSplatSection, splats}}};
  if (flags & 2) container.sections.push_back({kLatticeSection, lattice});
  const std::vector<uint8_t> file = write_container(container);
  exercise(file.data(), file.size(), views);
  return 0;
}
