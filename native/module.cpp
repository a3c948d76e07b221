// The extension module smartsplat._native.
#include <nanobind/nanobind.h>

#include "engine/bindings.h"
#include "metrics/bindings.h"
#include "pictures/bindings.h"

NB_MODULE(_native, m) {
  smartsplat::bind_engine(m);
  smartsplat::bind_metrics(m);
  smartsplat::bind_pictures(m);
}
