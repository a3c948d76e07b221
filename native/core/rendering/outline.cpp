#include "rendering/outline.h"

#include <algorithm>
#include <cmath>

namespace smartsplat {
namespace {

template <class Real>
constexpr Real kHalfLog2E = static_cast<Real>(0.7213475204444817);  // exp(-q / 2) = 2^(-q * this)
constexpr float kRunRange = 60;  // log2 of the weights' range that one run of rows may span

}  // namespace

template <class Real>
void outline(const Covariance& covariance, Real support, Outline<Real>& out) {
  const auto [xx, xy, yy, determinant] = covariance;
  const double given_x = determinant / xx;  // variance of y at a given x
  out.x_extent = static_cast<Real>(std::sqrt(support * xx));
  out.y_extent = static_cast<Real>(std::sqrt(support * yy));
  out.x_at_top = static_cast<Real>(xy * std::sqrt(support / yy));
  out.ridge = static_cast<Real>(-kHalfLog2E<Real> / xx);
  out.yy = static_cast<Real>(-kHalfLog2E<Real> / given_x);
  out.slope = static_cast<Real>(xy / xx);
  out.reach = static_cast<Real>(given_x * support);
  out.bend = static_cast<Real>(given_x / xx);
  const double run = std::sqrt(kRunRange * given_x / kHalfLog2E<float>);
  // In this order it is a number even where `run` is none.
  out.run = static_cast<int32_t>(std::max(1.0, std::min(static_cast<double>(kLongestRun), run)));
  out.decay = std::exp2(2 * out.yy);
  out.run_decay = std::exp2(2 * out.yy * static_cast<Real>(out.run));
}

template void outline(const Covariance&, float, Outline<float>&);
template void outline(const Covariance&, double, Outline<double>&);

}  // namespace smartsplat
