// SSIM of a tile and its gradient: 11-tap Gaussian window of sigma 1.5, zeros beyond the picture ("same").
//
// With m = window means, S = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sxx + syy + C2)), where
// sxx = E[x^2] - mx^2 and so on. Its derivatives by the three windowed fields mx, E[x^2] and E[xy] are
// windowed back onto the pixels (the window is symmetric).
#pragma once

#include "engine/kernels/pixels.h"
#include "engine/kernels/splat_loops.h"

namespace {

using smartsplat::kSsimHalo;
using smartsplat::kSsimRadius;

constexpr int kSsimStride = 96;                                     // >= 64 + 2 halos, a multiple of 16
constexpr int kSsimPlane = kSsimStride * kSsimStride;
constexpr float kC1 = 0.01f * 0.01f, kC2 = 0.03f * 0.03f;
constexpr float kWindow[2 * kSsimRadius + 1] = {0.00102838f, 0.00759876f, 0.03600077f, 0.10936069f,
                                                0.21300553f, 0.26601172f, 0.21300553f, 0.10936069f,
                                                0.03600077f, 0.00759876f, 0.00102838f};

// out(y, x) = the window's mean of in(y .. y + 10, x .. x + 10), for y < height and x < width.
inline void window_mean(const float* in, float* out, float* scratch, int width, int height) {
  for (int y = 0; y < height + 2 * kSsimRadius; ++y) {
    const float* from = in + y * kSsimStride;
    float* to = scratch + y * kSsimStride;
    for (int x = 0; x < width; ++x) {
      float total = 0;
      for (int k = 0; k <= 2 * kSsimRadius; ++k) total += kWindow[k] * from[x + k];
      to[x] = total;
    }
  }
  for (int y = 0; y < height; ++y) {
    const float* from = scratch + y * kSsimStride;
    float* to = out + y * kSsimStride;
    for (int x = 0; x < width; ++x) {
      float total = 0;
      for (int k = 0; k <= 2 * kSsimRadius; ++k) total += kWindow[k] * from[x + k * kSsimStride];
      to[x] = total;
    }
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
  float *x, *y, *xx, *yy, *xy;                              // the two pictures and their products
  float *mean_x, *mean_y, *mean_xx, *mean_yy, *mean_xy;     // their window means, then the derivatives by them
  float* passes;
};

// Where a tile with its halo lies in the picture.
struct Bounds {
  Bounds(const Tile& sums, const Target& target)
      : left(sums.x < 0 ? -sums.x : 0), top(sums.y < 0 ? -sums.y : 0),
        right(target.width - sums.x < sums.width ? target.width - sums.x : sums.width),
        bottom(target.height - sums.y < sums.height ? target.height - sums.y : sums.height) {}
  bool has(int x, int y) const { return x >= left && x < right && y >= top && y < bottom; }
  int left, top, right, bottom;
};

inline void fill_products(const Tile& sums, const Target& target, int channel, const Bounds& inside, SsimPlanes& p) {
  for (int y = 0; y < sums.height; ++y) {
    const float* value = row_of(sums, channel, y);
    const int at = y * kSsimStride;
    for (int x = 0; x < sums.width; ++x) {
      const bool in = inside.has(x, y);
      const float a = in ? clamp_to(value[x], 0.0f, 1.0f) : 0.0f;
      const float b = in ? static_cast<float>(row_of(target, sums, channel, y)[x]) * kToUnit : 0.0f;
      p.x[at + x] = a;
      p.y[at + x] = b;
      p.xx[at + x] = a * a;
      p.yy[at + x] = b * b;
      p.xy[at + x] = a * b;
    }
  }
}

// Replaces mean_x, mean_xx, mean_xy by dS/d of each (zero outside the picture) over the map, which is the tile
// with half its halo; returns the sum of S over the tile proper.
inline double ssim_map(SsimPlanes& p, int width, int height, const Bounds& inside) {
  double total = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int at = y * kSsimStride + x;
      const float mx = p.mean_x[at], my = p.mean_y[at];
      const float sxx = p.mean_xx[at] - mx * mx, syy = p.mean_yy[at] - my * my, sxy = p.mean_xy[at] - mx * my;
      const float a1 = 2 * mx * my + kC1, a2 = 2 * sxy + kC2;
      const float b1 = mx * mx + my * my + kC1, b2 = sxx + syy + kC2;
      const float s = (a1 * a2) / (b1 * b2);
      const bool in = inside.has(x + kSsimRadius, y + kSsimRadius);
      const bool core = x >= kSsimRadius && y >= kSsimRadius && x < width - kSsimRadius && y < height - kSsimRadius;
      if (in && core) total += s;
      const float by_xx = -s / b2, by_xy = 2 * a1 / (b1 * b2);
      const float by_mean = (2 * my * a2) / (b1 * b2) - 2 * mx * s / b1 - 2 * mx * by_xx - my * by_xy;
      p.mean_x[at] = in ? by_mean : 0;
      p.mean_xx[at] = in ? by_xx : 0;
      p.mean_xy[at] = in ? by_xy : 0;
    }
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
    total += ssim_map(p, width, height, inside);
    add_ssim_gradient(sums, gradient, c, scale, p);
  }
  return total;
}

}  // namespace
