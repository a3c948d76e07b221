#include "common/memory.h"

#include <cstdint>
#include <cstdlib>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif
#ifdef _WIN32
#include <malloc.h>
#endif

namespace smartsplat {
namespace {

constexpr size_t kHuge = size_t{2} << 20, kLarge = size_t{4} << 20, kSmall = 64;

void* aligned(size_t alignment, size_t bytes) {
#ifdef _WIN32
  return _aligned_malloc(bytes, alignment);
#else
  return std::aligned_alloc(alignment, bytes);
#endif
}

}  // namespace

void* allocate(size_t bytes) {
  const size_t alignment = bytes >= kLarge ? kHuge : kSmall;
  if (bytes > SIZE_MAX - alignment) throw std::bad_alloc();
  void* memory = aligned(alignment, (bytes + alignment) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (bytes >= kLarge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void release(void* memory) noexcept {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

}  // namespace smartsplat
