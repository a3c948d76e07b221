#include "rendering/view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "common/error.h"
#include "rendering/outline.h"

namespace smartsplat {
namespace {

std::string text(double number) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%g", number);
  return buffer;
}

std::string text(const Region& r) {
  return "region " + text(r.x) + "," + text(r.y) + "," + text(r.width) + "," + text(r.height);
}

// The axes of a splat in the view, and their variances there without the blur.
void place_axes(const float* p, const Turn& turn, const View& view, Axes& axes) {
  const double zoom2 = view.zoom * view.zoom;
  double v0 = zoom2 * p[kScaleX] * p[kScaleX], v1 = zoom2 * p[kScaleY] * p[kScaleY];
  axes.cosine = turn.cosine;
  axes.sine = turn.sine;
  if (view.aspect != 1) {  // the stretched ellipse has other axes
    const double c = axes.cosine, s = axes.sine, a = view.aspect;
    const double xx = c * c * v0 + s * s * v1, xy = a * c * s * (v0 - v1), yy = a * a * (s * s * v0 + c * c * v1);
    const double determinant = a * a * v0 * v1, angle = 0.5 * std::atan2(2 * xy, xx - yy);
    v0 = (xx + yy) / 2 + std::hypot((xx - yy) / 2, xy);
    v1 = determinant / v0;
    axes.cosine = static_cast<float>(std::cos(angle));
    axes.sine = static_cast<float>(std::sin(angle));
  }
  axes.own_variance[0] = static_cast<float>(v0);
  axes.own_variance[1] = static_cast<float>(v1);
}

// False if no pixel of any view can see the splat.
bool project_visible(const float* p, const Turn& turn, const View& view, PixelSplat& pixel, Axes& axes) {
  place_axes(p, turn, view, axes);
  for (int i = 0; i < 2; ++i) axes.variance[i] = axes.own_variance[i] + static_cast<float>(view.blur);
  const float widest = std::max(axes.variance[0], axes.variance[1]);
  if (!(axes.variance[0] * axes.variance[1] > 0) || !(widest < kGreatestVariance)) return false;
  axes.amplitude = std::sqrt(axes.own_variance[0] / axes.variance[0] * (axes.own_variance[1] / axes.variance[1]));
  const double v0 = axes.variance[0], v1 = axes.variance[1], c = axes.cosine, s = axes.sine;
  pixel.x = static_cast<float>((p[kCentreX] - view.left) * view.zoom - 0.5);
  pixel.y = static_cast<float>((p[kCentreY] - view.top) * view.zoom * view.aspect - 0.5);
  outline<float>({c * c * v0 + s * s * v1, c * s * (v0 - v1), s * s * v0 + c * c * v1, v0 * v1}, kSupport, pixel);
  bool finite = std::isfinite(pixel.x) && std::isfinite(pixel.y) && std::isfinite(axes.amplitude);
  for (int i = 0; i < 3; ++i) {
    pixel.colour[i] = axes.amplitude * p[kColour + i];
    finite = finite && std::isfinite(pixel.colour[i]);
  }
  return finite && std::isfinite(pixel.ridge) && std::isfinite(pixel.yy) && std::isfinite(pixel.bend);
}

// How far beyond a side a part of it may end: rounding errors of single precision, and numbers typed with three
// decimals. Nobody could see it, but a thousandth of a tiny part is less than that.
double slack_of(double length, double side) {
  return std::max(1e-9 * side, std::min(0.01 + 2.5e-7 * side, 1e-3 * length));
}

// Moves a region whose borders are off the picture by no more than that back into it, as large as it is.
Region within(int width, int height, Region r) {
  const auto side = [](double from, double length, double most, double& start, double& size) {
    const double slack = slack_of(length, most);
    if (!(length > 0) || from < -slack || from + length > most + slack) return false;
    if (from >= most || from + length <= 0) return false;
    size = std::min(length, most);
    start = std::clamp(from, 0.0, most - size);
    return size > 0;
  };
  Region inside{};
  if (!side(r.x, r.width, width, inside.x, inside.width) || !side(r.y, r.height, height, inside.y, inside.height)) {
    throw Error(ErrorKind::kView, text(r) + " is not within the picture, which is " + std::to_string(width) + " x " +
                                      std::to_string(height));
  }
  return inside;
}

}  // namespace

View view_of(int width, int height, const Region& region, double scale) {
  const double values[] = {scale, region.x, region.y, region.width, region.height};
  const bool finite = std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
  if (!finite || !(std::min({scale, region.width, region.height}) > 0)) {
    throw Error(ErrorKind::kView, "nothing to render: scale " + text(scale) + ", " + text(region));
  }
  const Region r = within(width, height, region);
  if (!(std::max(r.width, r.height) * scale < kGreatestViewSide)) {
    throw Error(ErrorKind::kView,
                "scale " + text(scale) + " makes sides of more than " + std::to_string(kGreatestViewSide) + " pixels");
  }
  const auto rounded = [scale](double side) { return std::max(1, static_cast<int>(side * scale + 0.5)); };
  const int columns = rounded(r.width), rows = rounded(r.height);
  const double zoom = columns / r.width;  // the scale, but for the rounding of the sides
  if (!(std::max(zoom, rows / r.height) <= kGreatestZoom)) {
    throw Error(ErrorKind::kView, text(r) + " at scale " + text(scale) + " is finer than can be computed");
  }
  const double blur = std::max(0.0, (1 - zoom * zoom) / 12);
  return {columns, rows, zoom, r.x, r.y, blur, rows / r.height / zoom};
}

bool is_computable(const View& v) {
  constexpr double kFurthest = 0x1p96;  // px
  // Comparisons with a number that is none are false.
  const auto within = [](double number, double least, double most) { return number >= least && number <= most; };
  // What view_of takes may be rounded beyond.
  const auto zooms = [&](double zoom) { return within(zoom, 1 / kGreatestZoom, 2 * kGreatestZoom); };
  return within(std::min(v.width, v.height), 1, kGreatestViewSide) &&
         std::max(v.width, v.height) <= kGreatestViewSide && zooms(v.zoom) && zooms(v.zoom * v.aspect) &&
         within(v.left, -kFurthest, kFurthest) && within(v.top, -kFurthest, kFurthest) &&
         within(v.blur, 0, kGreatestZoom);
}

void project(const float* p, const Turn& turn, const View& view, PixelSplat& pixel, Axes& axes) {
  if (project_visible(p, turn, view, pixel, axes)) return;
  pixel = {};
  pixel.x_extent = -1;
  axes = {1, 0, {1, 1}, {1, 1}, 1};
}

void chain_rule(const double* sums, const PixelSplat& pixel, const Axes& axes, float* gradient) {
  const double c = axes.cosine, s = axes.sine;
  const double first[2] = {c * sums[kX] + s * sums[kY], c * sums[kY] - s * sums[kX]};
  const double xx = sums[kXX], xy = sums[kXY], yy = sums[kYY];
  const double second[2] = {c * c * xx + 2 * c * s * xy + s * s * yy, s * s * xx - 2 * c * s * xy + c * c * yy};
  const double cross = c * s * (yy - xx) + (c * c - s * s) * xy;
  double value = 0;  // d(loss)/d(log amplitude)
  for (int i = 0; i < 3; ++i) {
    value += pixel.colour[i] * sums[i];
    gradient[kColour + i] = static_cast<float>(axes.amplitude * sums[i]);
  }
  for (int i = 0; i < 2; ++i) {
    const double v = axes.variance[i], own = axes.own_variance[i];
    gradient[kCentreX + i] = static_cast<float>(std::sqrt(own) * first[i] / v);
    gradient[kScaleX + i] = static_cast<float>(own * second[i] / (v * v) + value * (1 - own / v));
  }
  const double turn = static_cast<double>(axes.own_variance[0]) - axes.own_variance[1];
  gradient[kAngle] = static_cast<float>(turn * cross / (static_cast<double>(axes.variance[0]) * axes.variance[1]));
}

PixelTangent tangent(const float* direction, const Axes& axes) {
  const float c = axes.cosine, s = axes.sine;
  const float v0 = axes.variance[0], v1 = axes.variance[1], own0 = axes.own_variance[0], own1 = axes.own_variance[1];
  const float first0 = std::sqrt(own0) * direction[kCentreX] / v0, first1 = std::sqrt(own1) * direction[kCentreY] / v1;
  const float second0 = own0 * direction[kScaleX] / (v0 * v0), second1 = own1 * direction[kScaleY] / (v1 * v1);
  const float turn = (own0 - own1) / (v0 * v1) * direction[kAngle];
  PixelTangent t;
  t.one = (1 - own0 / v0) * direction[kScaleX] + (1 - own1 / v1) * direction[kScaleY];
  t.x = c * first0 - s * first1;
  t.y = s * first0 + c * first1;
  t.xx = c * c * second0 + s * s * second1 - c * s * turn;
  t.xy = 2 * c * s * (second0 - second1) + (c * c - s * s) * turn;
  t.yy = s * s * second0 + c * c * second1 + c * s * turn;
  for (int i = 0; i < 3; ++i) t.colour[i] = axes.amplitude * direction[kColour + i];
  return t;
}

}  // namespace smartsplat
