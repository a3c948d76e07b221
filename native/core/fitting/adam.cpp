#include "fitting/adam.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace smartsplat {
namespace {

constexpr size_t kPart = 4096;  // rows; parts do not depend on the number of threads, nor does the result

template <class Body>
void for_parts(size_t n, const Parallel& parallel, Body body) {
  parallel.for_each((n + kPart - 1) / kPart,
                    [&](size_t part) { body(part, part * kPart, std::min(n, (part + 1) * kPart)); });
}

using Row = std::array<double, kParameters>;

// Root mean square of the gradients' second moments, of each parameter.
Row typical_sizes(const float* second, size_t n, const Parallel& parallel) {
  std::vector<Row> parts((n + kPart - 1) / kPart, Row{});
  for_parts(n, parallel, [&](size_t part, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      for (int k = 0; k < kParameters; ++k) parts[part][k] += second[i * kParameters + k];
    }
  });
  Row total{};
  for (const Row& part : parts) {
    for (int k = 0; k < kParameters; ++k) total[k] += part[k];
  }
  for (double& value : total) value = std::sqrt(value / static_cast<double>(n));
  return total;
}

void move_one(float* p, const float* natural, float longest, const Bounds& bounds) {
  float d[kParameters];
  for (int k = 0; k < kParameters; ++k) d[k] = std::clamp(natural[k], -longest, longest);
  const float c = std::cos(p[kAngle]), s = std::sin(p[kAngle]);
  const float u = d[kCentreX] * p[kScaleX], v = d[kCentreY] * p[kScaleY];
  p[kCentreX] = std::clamp(p[kCentreX] + c * u - s * v, 0.0f, bounds.width);
  p[kCentreY] = std::clamp(p[kCentreY] + s * u + c * v, 0.0f, bounds.height);
  for (int k : {kScaleX, kScaleY}) {
    p[k] = std::clamp(p[k] * std::exp(d[k]), bounds.least_scale, bounds.greatest_scale);
  }
  p[kAngle] += d[kAngle];
  for (int k = kColour; k < kParameters; ++k) {
    p[k] = std::clamp(p[k] + d[k], -bounds.greatest_colour, bounds.greatest_colour);
  }
}

}  // namespace

void move(float* parameters, const float* direction, size_t n, float longest_move, const Bounds& bounds,
          const Parallel& parallel) {
  for_parts(n, parallel, [&](size_t, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      move_one(parameters + i * kParameters, direction + i * kParameters, longest_move, bounds);
    }
  });
}

void adam_step(float* parameters, const float* gradient, float* first, float* second, size_t n,
               const AdamSettings& settings, const Bounds& bounds, const Parallel& parallel) {
  for_parts(n, parallel, [&](size_t, size_t begin, size_t end) {
    for (size_t k = begin * kParameters; k < end * kParameters; ++k) {
      const float g = std::isfinite(gradient[k]) ? gradient[k] : 0.0f;
      first[k] += (1 - settings.beta1) * (g - first[k]);
      second[k] += (1 - settings.beta2) * (g * g - second[k]);
    }
  });
  const Row typical = typical_sizes(second, n, parallel);
  float floors[kParameters], rates[kParameters];
  const float unbias = 1 / std::sqrt(settings.bias2);
  for (int k = 0; k < kParameters; ++k) {
    // The least float keeps 0 / 0 away where a parameter has no gradient anywhere.
    floors[k] = static_cast<float>(settings.epsilon * typical[k] * unbias) + 1e-30f;
    rates[k] = settings.rates[k] / settings.bias1;
  }
  for_parts(n, parallel, [&](size_t, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const float *m = first + i * kParameters, *v = second + i * kParameters;
      float d[kParameters];
      for (int k = 0; k < kParameters; ++k) d[k] = -rates[k] * m[k] / (std::sqrt(v[k]) * unbias + floors[k]);
      move_one(parameters + i * kParameters, d, settings.longest_move, bounds);
    }
  });
}

}  // namespace smartsplat
