// The library's exceptions as Python's.
#include <nanobind/nanobind.h>

#include "common/error.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

namespace nb = nanobind;

const char* class_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kFormat:
    case ErrorKind::kRead:
      return "FormatError";
    case ErrorKind::kView:
      return "PictureError";
    case ErrorKind::kLimit:
      return "LimitError";
    case ErrorKind::kArgument:
    case ErrorKind::kCancelled:
      break;
  }
  return nullptr;
}

void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const Error& error) {
    const char* name = class_of(error.kind());
    const nb::object type = name ? nb::module_::import_("smartsplat.errors").attr(name) : nb::borrow(PyExc_ValueError);
    PyErr_SetString(type.ptr(), error.what());
  }
}

}  // namespace

void bind_errors(nb::module_&) { nb::register_exception_translator(translate); }

}  // namespace smartsplat
