#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_metrics(nanobind::module_& m);

}  // namespace smartsplat
