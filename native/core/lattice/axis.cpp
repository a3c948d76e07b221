#include "lattice/axis.h"

#include <algorithm>
#include <cmath>

namespace smartsplat {

LatticeAxis::LatticeAxis(int nodes, int spacing, int pixels, double zoom, double origin, double blur) {
  const double pitch = spacing * zoom, scale = lattice_scale(spacing), own = scale * pitch, variance = own * own + blur;
  const double reach = kLatticeReach / scale * std::sqrt(variance), amplitude = own / std::sqrt(variance);
  const double start = 0.5 * pitch - origin * zoom - 0.5;  // of node 0, in pixels from the centre of pixel 0
  const auto clamped = [nodes](double node) {
    return static_cast<int>(std::clamp(node, 0.0, static_cast<double>(nodes)));
  };
  first_node_ = clamped(std::ceil((-reach - start) / pitch));
  const int end_node = std::max(first_node_, clamped(std::floor((pixels - 1 + reach - start) / pitch) + 1));
  const auto first_pixel = [&](int node) { return std::ceil(start + node * pitch - reach); };
  double widest = 1;  // pixels that one node reaches
  for (int i = first_node_; i < end_node; ++i) {
    widest = std::max(widest, std::floor(start + i * pitch + reach) - first_pixel(i) + 1);
  }
  taps_ = static_cast<int>(std::min(widest, static_cast<double>(pixels)));
  const size_t count = static_cast<size_t>(end_node - first_node_), stride = static_cast<size_t>(taps_) + kAxisMargin;
  first_.resize(count);
  weights_.assign(kAxisMargin + count * stride, 0.0f);
  for (size_t i = 0; i < count; ++i) {
    const double centre = start + (first_node_ + static_cast<double>(i)) * pitch;
    const int first = static_cast<int>(std::max(0.0, first_pixel(first_node_ + static_cast<int>(i))));
    first_[i] = first;
    float* weights = weights_.data() + i * stride + kAxisMargin;
    for (int k = 0; k < taps_ && first + k < pixels && first + k - centre <= reach; ++k) {
      const double d = first + k - centre;
      weights[k] = static_cast<float>(amplitude * std::exp(-d * d / (2 * variance)));
    }
  }
  if (count == 0 || (pitch != 1 && pitch != 2) || taps_ < widest || taps_ > kMostEvenTaps) return;
  pitch_ = static_cast<int>(pitch);
  const double centre = start + first_node_ * pitch, first = first_pixel(first_node_);
  even_first_ = static_cast<int>(first);
  even_.assign(static_cast<size_t>(taps_ + pitch_), 0.0f);  // kernels look at some more
  for (int k = 0; k < taps_; ++k) {
    const double d = first + k - centre;
    even_[static_cast<size_t>(k)] = d > reach ? 0 : static_cast<float>(amplitude * std::exp(-d * d / (2 * variance)));
  }
}

void LatticeAxis::range(int begin, int end, int& first_node, int& end_node) const {
  // first_ ascends.
  const auto low = std::upper_bound(first_.begin(), first_.end(), begin - taps_);
  const auto high = std::lower_bound(first_.begin(), first_.end(), end);
  first_node = static_cast<int>(low - first_.begin());
  end_node = std::max(first_node, static_cast<int>(high - first_.begin()));
}

}  // namespace smartsplat
