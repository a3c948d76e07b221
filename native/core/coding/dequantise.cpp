#include <algorithm>
#include <cmath>
#include <numbers>

#include "coding/splat_stream.h"
#include "model/model.h"

namespace smartsplat {
namespace {

constexpr size_t kPart = 4096;

void dequantise_one(const SplatCode& s, double base_step, const Origin& origin, float* p) {
  const double unit = std::ldexp(1.0, -s.energy);
  const double size = std::exp2(s.size * unit), half_ratio = std::exp2(s.ratio * unit);
  p[kCentreX] = static_cast<float>(s.x / 256.0 - origin.x);
  p[kCentreY] = static_cast<float>(s.y / 256.0 - origin.y);
  p[kScaleX] = static_cast<float>(size * half_ratio);
  p[kScaleY] = static_cast<float>(size / half_ratio);
  p[kAngle] = static_cast<float>(std::numbers::pi * std::ldexp(s.turn, -turn_bits(s)));
  // The rows of the colours' basis: (1, 1, 1) / sqrt 3, (1, 0, -1) / sqrt 2, (1, -2, 1) / sqrt 6.
  const double step = base_step / (std::sqrt(std::numbers::pi) * size);
  const double luma = step / std::numbers::sqrt3 * s.colour[0];
  const double first = step / std::numbers::sqrt2 * s.colour[1];
  const double second = step / std::sqrt(6.0) * s.colour[2];
  p[kColour] = static_cast<float>(luma + first + second);
  p[kColour + 1] = static_cast<float>(luma - 2 * second);
  p[kColour + 2] = static_cast<float>(luma - first + second);
}

}  // namespace

void dequantise(std::span<const SplatCode> splats, double base_step, float* parameters, const Parallel& parallel,
                const Origin& origin) {
  parallel.for_each((splats.size() + kPart - 1) / kPart, [&](size_t part) {
    for (size_t i = part * kPart; i < std::min(splats.size(), (part + 1) * kPart); ++i) {
      dequantise_one(splats[i], base_step, origin, parameters + i * kParameters);
    }
  });
}

}  // namespace smartsplat
