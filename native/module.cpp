// The extension module smartsplat._native.
#include <nanobind/nanobind.h>

#include "coding/bindings.h"
#include "engine/bindings.h"
#include "fitting/bindings.h"
#include "lattice/bindings.h"
#include "metrics/bindings.h"
#include "pictures/bindings.h"
#include "sampling/bindings.h"

NB_MODULE(_native, m) {
  smartsplat::bind_coding(m);
  smartsplat::bind_engine(m);
  smartsplat::bind_fitting(m);
  smartsplat::bind_lattice(m);
  smartsplat::bind_metrics(m);
  smartsplat::bind_pictures(m);
  smartsplat::bind_sampling(m);
}
