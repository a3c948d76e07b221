#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_coding(nanobind::module_& m);

}  // namespace smartsplat
