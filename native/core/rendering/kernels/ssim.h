// SSIM of a tile and its gradient: 11-tap Gaussian window of sigma 1.5, zeros beyond the picture ("same").
//
// With m = window means, S = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sxx + syy + C2)), where
// sxx = E[x^2] - mx^2 and so on. Its derivatives by the three windowed fields mx, E[x^2] and E[xy] are
// windowed back onto the pixels (the window is symmetric).
#pragma once

#include "rendering/kernels/pixels.h"
#include "rendering/kernels/splat_loops.h"

namespace {

using smartsplat::kSsimHalo;
using smartsplat::kSsimRadius;

constexpr int kSsimStride = smartsplat::kWidestTile;
constexpr int kSsimPlane = kSsimStride * kSsimStride;
constexpr float kC1 = 0.01f * 0.01f, kC2 = 0.03f * 0.03f;
constexpr float kWindow[2 * kSsimRadius + 1] = {0.00102838f, 0.00759876f, 0.03600077f, 0.10936069f,
                                                0.21300553f, 0.26601172f, 0.21300553f, 0.10936069f,
                                                0.03600077f, 0.00759876f, 0.00102838f};

// The mean under the window of values `step` floats apart, for a vector of places.
inline vf taps(const float* from, int step) {
  vf total = kWindow[0] * load_unaligned(from);
  for (int k = 1; k <= 2 * kSsimRadius; ++k) total += kWindow[k] * load_unaligned(from + k * step);
  return total;
}

// out(y, x) = the window's mean of in(y .. y + 10, x .. x + 10), for y < height and x < width, and beyond the
// width up to a whole vector.
inline void window_mean(const float* in, float* out, float* scratch, int width, int height) {
  for (int y = 0; y < height + 2 * kSsimRadius; ++y) {
    const int at = y * kSsimStride;
    for (int x = 0; x < width; x += kLanes) store(scratch + at + x, taps(in + at + x, 1));
  }
  for (int y = 0; y < height; ++y) {
    const int at = y * kSsimStride;
    for (int x = 0; x < width; x += kLanes) store(out + at + x, taps(scratch + at + x, kSsimStride));
  }
}

// Planes of one channel, all of stride kSsimStride, in the caller's scratch memory.
struct SsimPlanes {
  explicit SsimPlanes(float* memory) {
    float** planes[] = {&x, &y, &xx, &yy, &xy, &mean_x, &mean_y, &mean_xx, &mean_yy, &mean_xy, &passes};
    for (float** plane : planes) {
      *plane = memory;
      memory += kSsimPlane;
    }
  }
  float *x, *y, *xx, *yy, *xy;                           // the two pictures and their products
  float *mean_x, *mean_y, *mean_xx, *mean_yy, *mean_xy;  // their window means, then what follows from them
  float* passes;
};

// The part of a tile with its halo that lies in the picture.
struct Bounds {
  Bounds(const Tile& sums, const Target& target)
      : left(sums.x < 0 ? -sums.x : 0),
        top(sums.y < 0 ? -sums.y : 0),
        right(target.width - sums.x < sums.width ? target.width - sums.x : sums.width),
        bottom(target.height - sums.y < sums.height ? target.height - sums.y : sums.height) {}
  int left, top, right, bottom;
};

inline void fill_products(const Tile& sums, const Target& target, int channel, const Bounds& inside, SsimPlanes& p) {
  std::memset(p.x, 0, 5 * sizeof(float) * kSsimPlane);  // x, y and their products stand in a row
  for (int y = inside.top; y < inside.bottom; ++y) {
    const float* value = row_of(sums, channel, y);
    const uint8_t* goal = row_of(target, sums, channel, y);
    const int at = y * kSsimStride;
    for (int x = inside.left; x < inside.right; ++x) {
      const float a = clamp_to(value[x], 0.0f, 1.0f), b = static_cast<float>(goal[x]) * kToUnit;
      p.x[at + x] = a;
      p.y[at + x] = b;
      p.xx[at + x] = a * a;
      p.yy[at + x] = b * b;
      p.xy[at + x] = a * b;
    }
  }
}

// Replaces mean_x, mean_xx, mean_xy by dS/d of each, and mean_y by S.
inline void differentiate_map(SsimPlanes& p, int width, int height) {
  for (int y = 0; y < height; ++y) {
    for (int at = y * kSsimStride; at < y * kSsimStride + width; at += kLanes) {
      const vf mx = load(p.mean_x + at), my = load(p.mean_y + at);
      const vf sxx = load(p.mean_xx + at) - mx * mx, syy = load(p.mean_yy + at) - my * my;
      const vf sxy = load(p.mean_xy + at) - mx * my;
      const vf a1 = 2 * mx * my + kC1, a2 = 2 * sxy + kC2;
      const vf one_b1 = 1 / (mx * mx + my * my + kC1), one_b2 = 1 / (sxx + syy + kC2);
      const vf s = a1 * a2 * one_b1 * one_b2;
      const vf by_xx = -s * one_b2, by_xy = 2 * a1 * one_b1 * one_b2;
      store(p.mean_x + at, 2 * my * a2 * one_b1 * one_b2 - 2 * mx * s * one_b1 - 2 * mx * by_xx - my * by_xy);
      store(p.mean_xx + at, by_xx);
      store(p.mean_xy + at, by_xy);
      store(p.mean_y + at, s);
    }
  }
}

// Zero where the map, which is the tile with half its halo, lies outside the picture.
inline void clear_outside(float* plane, const Bounds& inside, int width, int height) {
  const int left = inside.left - kSsimRadius, right = inside.right - kSsimRadius;
  for (int y = 0; y < height; ++y) {
    const bool in = y + kSsimRadius >= inside.top && y + kSsimRadius < inside.bottom;
    for (int x = 0; x < width; ++x) {
      if (!in || x < left || x >= right) plane[y * kSsimStride + x] = 0;
    }
  }
}

inline double sum_of_core(const float* map, int width, int height) {
  double total = 0;
  for (int y = 0; y < height; ++y) {
    const float* row = map + (y + kSsimRadius) * kSsimStride + kSsimRadius;
    for (int x = 0; x < width; ++x) total += row[x];
  }
  return total;
}

inline void add_ssim_gradient(const Tile& sums, const Tile& gradient, int channel, float scale, SsimPlanes& p) {
  window_mean(p.mean_x, p.mean_y, p.passes, gradient.width, gradient.height);
  window_mean(p.mean_xx, p.mean_yy, p.passes, gradient.width, gradient.height);
  window_mean(p.mean_xy, p.xx, p.passes, gradient.width, gradient.height);
  for (int y = 0; y < gradient.height; ++y) {
    float* out = row_of(gradient, channel, y);
    const float* value = row_of(sums, channel, y + kSsimHalo) + kSsimHalo;
    const int at = y * kSsimStride, centre = (y + kSsimHalo) * kSsimStride + kSsimHalo;
    for (int x = 0; x < gradient.width; ++x) {
      const float g = p.mean_y[at + x] + 2 * p.x[centre + x] * p.mean_yy[at + x] + p.y[centre + x] * p.xx[at + x];
      out[x] += value[x] >= 0 && value[x] <= 1 ? scale * g : 0.0f;
    }
  }
}

double ssim(const Tile& sums, const Target& target, const Tile& gradient, float scale, float* scratch) {
  SsimPlanes p(scratch);
  const Bounds inside(sums, target);
  const int width = gradient.width + 2 * kSsimRadius, height = gradient.height + 2 * kSsimRadius;
  double total = 0;
  for (int c = 0; c < 3; ++c) {
    fill_products(sums, target, c, inside, p);
    window_mean(p.x, p.mean_x, p.passes, width, height);
    window_mean(p.y, p.mean_y, p.passes, width, height);
    window_mean(p.xx, p.mean_xx, p.passes, width, height);
    window_mean(p.yy, p.mean_yy, p.passes, width, height);
    window_mean(p.xy, p.mean_xy, p.passes, width, height);
    differentiate_map(p, width, height);
    total += sum_of_core(p.mean_y, gradient.width, gradient.height);
    if (inside.left > 0 || inside.top > 0 || inside.right < sums.width || inside.bottom < sums.height) {
      clear_outside(p.mean_x, inside, width, height);
      clear_outside(p.mean_xx, inside, width, height);
      clear_outside(p.mean_xy, inside, width, height);
    }
    add_ssim_gradient(sums, gradient, c, scale, p);
  }
  return total;
}

}  // namespace
