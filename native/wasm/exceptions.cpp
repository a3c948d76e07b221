// What the C++ library of WebAssembly leaves out: throwing. Nothing is caught (-fignore-exceptions), and no destructor
// runs: the page is told why, throws an exception of its own through all of our functions, and never calls this
// instance again.
#include <cstdlib>
#include <new>
#include <typeinfo>

#include "common/error.h"

// Given by the page; does not return. Both are texts ended by a zero: what kind of error it is, and a sentence.
extern "C" [[noreturn]] __attribute__((import_module("smartsplat"), import_name("fail"))) void smartsplat_fail(
    const char* kind, const char* text);

namespace smartsplat {
namespace {

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kArgument:
      return "argument";
    case ErrorKind::kFormat:
      return "format";
    case ErrorKind::kView:
      return "view";
    case ErrorKind::kLimit:
      return "limit";
    case ErrorKind::kRead:
      return "read";
    case ErrorKind::kCancelled:
      return "cancelled";
  }
  return "defect";
}

[[noreturn]] void no_memory() { smartsplat_fail("memory", "there is not enough memory"); }

void* allocated(void* memory) {
  if (!memory) no_memory();
  return memory;
}

}  // namespace
}  // namespace smartsplat

extern "C" {

void* __cxa_allocate_exception(size_t size) noexcept { return smartsplat::allocated(std::malloc(size)); }

void __cxa_free_exception(void*) noexcept {}

[[noreturn]] void __cxa_throw(void* thrown, std::type_info* type, void (*)(void*)) {
  if (*type == typeid(smartsplat::Error)) {
    const auto* error = static_cast<const smartsplat::Error*>(thrown);
    smartsplat_fail(smartsplat::name_of(error->kind()), error->what());
  }
  if (*type == typeid(std::bad_alloc)) smartsplat::no_memory();
  smartsplat_fail("defect", type->name());
}

// What the libraries call where they would write to stderr and end the program.
[[noreturn]] void abort_message(const char* format, ...) { smartsplat_fail("defect", format); }
}

[[noreturn]] void std::__libcpp_verbose_abort(const char* format, ...) noexcept { smartsplat_fail("defect", format); }

// The library's own end the program where there is no memory.
void* operator new(size_t size) { return smartsplat::allocated(std::malloc(size > 0 ? size : 1)); }
void* operator new[](size_t size) { return operator new(size); }
void* operator new(size_t size, std::align_val_t alignment) {
  const size_t unit = static_cast<size_t>(alignment);
  return smartsplat::allocated(std::aligned_alloc(unit, (size + unit) / unit * unit));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
