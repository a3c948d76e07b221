// The extension module smartsplat._native.
#include <nanobind/nanobind.h>

#include "python/faces.h"

NB_MODULE(_native, m) {
  // A process may end while a thread renders, and what it holds then is no leak.
  nanobind::set_leak_warnings(false);
  smartsplat::bind_errors(m);
  smartsplat::bind_gil(m);
  smartsplat::bind_format(m);
  smartsplat::bind_blending(m);
  smartsplat::bind_coding(m);
  smartsplat::bind_decoder(m);
  smartsplat::bind_fitting(m);
  smartsplat::bind_lattice(m);
  smartsplat::bind_metrics(m);
  smartsplat::bind_pictures(m);
  smartsplat::bind_rendering(m);
  smartsplat::bind_sampling(m);
}
