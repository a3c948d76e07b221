// What each room of the library adds to the module.
#pragma once

#include <nanobind/nanobind.h>

namespace smartsplat {

void bind_blending(nanobind::module_& m);
void bind_coding(nanobind::module_& m);
void bind_decoder(nanobind::module_& m);
void bind_errors(nanobind::module_& m);
void bind_fitting(nanobind::module_& m);
void bind_format(nanobind::module_& m);
void bind_gil(nanobind::module_& m);
void bind_lattice(nanobind::module_& m);
void bind_metrics(nanobind::module_& m);
void bind_pictures(nanobind::module_& m);
void bind_rendering(nanobind::module_& m);
void bind_sampling(nanobind::module_& m);

}  // namespace smartsplat
