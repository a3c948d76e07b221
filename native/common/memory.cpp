#include "common/memory.h"

#include <cstdlib>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace smartsplat {

void* allocate(size_t bytes) {
  constexpr size_t huge = size_t{2} << 20, large = size_t{4} << 20;
  const size_t alignment = bytes >= large ? huge : 64;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (bytes >= large) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void release(void* memory) noexcept { std::free(memory); }

}  // namespace smartsplat
