#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_pictures(nanobind::module_& m);

}  // namespace smartsplat
