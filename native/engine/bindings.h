#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_engine(nanobind::module_& m);

}  // namespace smartsplat
