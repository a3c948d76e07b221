#include "common/memory.h"

#include <algorithm>
#include <atomic>
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

// Before the memory of allocate_again().
struct alignas(kSmall) Header {
  size_t bytes;
};

// Never released: a process may end while others are at work.
std::atomic<Header*> spare{nullptr};

}  // namespace

void* allocate_zeros(size_t count, size_t bytes_each) {
  void* const memory = std::calloc(std::max<size_t>(count, 1), bytes_each);
  if (!memory) throw std::bad_alloc();
  return memory;
}

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

void* allocate(size_t count, size_t bytes_each) {
  if (count > SIZE_MAX / bytes_each) throw std::bad_alloc();  // where addresses have 32 bits, large pictures can ask it
  return allocate(count * bytes_each);
}

void release(void* memory) noexcept {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

void* allocate_again(size_t bytes) {
  Header* header = spare.exchange(nullptr);
  if (!header || header->bytes != bytes) {
    release(header);
    if (bytes > SIZE_MAX - sizeof(Header)) throw std::bad_alloc();
    header = new (allocate(sizeof(Header) + bytes)) Header{bytes};
  }
  return header + 1;
}

void release_again(void* memory) noexcept {
  if (memory) release(spare.exchange(static_cast<Header*>(memory) - 1));
}

}  // namespace smartsplat
