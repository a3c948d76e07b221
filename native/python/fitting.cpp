#include <nanobind/stl/array.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "fitting/adam.h"
#include "python/arrays.h"
#include "python/faces.h"

namespace smartsplat {
namespace {

using namespace nb::literals;

using Rows = ArrayOut<float, 2>;
using RowsIn = ArrayIn<float, 2>;
using BoundsTuple = std::array<float, 5>;

Bounds bounds_of(const BoundsTuple& b) { return {b[0], b[1], b[2], b[3], b[4]}; }

template <class A, class B>
void require_same(const A& a, const B& b) {
  require(a.shape(0) == b.shape(0) && a.shape(1) == kParameters && b.shape(1) == kParameters,
          "parameters, gradients, directions and moments must all have the shape (n, 8)");
}

void bound_adam_step(Rows parameters, const RowsIn& gradient, Rows first, Rows second,
                     const std::array<float, kParameters>& rates, const std::array<float, 2>& betas, int step,
                     float epsilon, float longest_move, const BoundsTuple& bounds, int threads) {
  require_same(parameters, gradient);
  require_same(parameters, first);
  require_same(parameters, second);
  AdamSettings settings{{}, betas[0], betas[1], 0, 0, epsilon, longest_move};
  std::copy(rates.begin(), rates.end(), settings.rates);
  settings.bias1 = 1 - std::pow(betas[0], static_cast<float>(step));
  settings.bias2 = 1 - std::pow(betas[1], static_cast<float>(step));
  without_gil(threads, [&](const Parallel& parallel) {
    adam_step(parameters.data(), gradient.data(), first.data(), second.data(), parameters.shape(0), settings,
              bounds_of(bounds), parallel);
  });
}

void bound_move(Rows parameters, const RowsIn& direction, float longest_move, const BoundsTuple& bounds, int threads) {
  require_same(parameters, direction);
  without_gil(threads, [&](const Parallel& parallel) {
    move(parameters.data(), direction.data(), parameters.shape(0), longest_move, bounds_of(bounds), parallel);
  });
}

}  // namespace

void bind_fitting(nb::module_& m) {
  m.def("adam_step", &bound_adam_step, "parameters"_a.noconvert(), "gradient"_a, "first"_a.noconvert(),
        "second"_a.noconvert(), "rates"_a, "betas"_a, "step"_a, "epsilon"_a, "longest_move"_a, "bounds"_a,
        "threads"_a = 0);
  m.def("move", &bound_move, "parameters"_a.noconvert(), "direction"_a, "longest_move"_a, "bounds"_a, "threads"_a = 0);
}

}  // namespace smartsplat
