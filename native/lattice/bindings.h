#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_lattice(nanobind::module_& m);

}  // namespace smartsplat
