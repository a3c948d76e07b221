#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_sampling(nanobind::module_& m);

}  // namespace smartsplat
