#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_fitting(nanobind::module_& m);

}  // namespace smartsplat
