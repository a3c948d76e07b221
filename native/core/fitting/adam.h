// Adam on the natural parameters of splats.
#pragma once

#include <cstddef>

#include "common/parallel.h"
#include "model/model.h"

namespace smartsplat {

struct AdamSettings {
  float rates[kParameters];  // of the eight natural parameters, for this step
  float beta1, beta2;
  float bias1, bias2;  // 1 - beta^t
  float epsilon;       // relative to the root mean square of each parameter's gradients
  float longest_move;  // of any natural parameter in one step
};

// Where the parameters must stay.
struct Bounds {
  float width, height;                // of the picture
  float least_scale, greatest_scale;  // px
  float greatest_colour;
};

// One step on n rows of 8 parameters; first and second are the moments, changed in place.
void adam_step(float* parameters, const float* gradient, float* first, float* second, size_t n,
               const AdamSettings& settings, const Bounds& bounds, const Parallel& parallel);

// Moves n rows of parameters along directions in natural units, and back within the bounds.
void move(float* parameters, const float* direction, size_t n, float longest_move, const Bounds& bounds,
          const Parallel& parallel);

}  // namespace smartsplat
