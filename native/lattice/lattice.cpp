#include "lattice/lattice.h"

#include <algorithm>
#include <cmath>

namespace smartsplat {

LatticeAxis::LatticeAxis(int nodes, int spacing, int pixels, double zoom, double origin, double blur) {
  const double own = kLatticeScale * spacing * zoom, variance = own * own + blur;
  const double reach = kLatticeReach / kLatticeScale * std::sqrt(variance), amplitude = own / std::sqrt(variance);
  taps_ = static_cast<int>(2 * reach) + 2;
  const size_t stride = static_cast<size_t>(taps_) + 2 * kAxisMargin;
  first_.resize(static_cast<size_t>(nodes));
  weights_.assign(static_cast<size_t>(nodes) * stride, 0.0f);
  for (int i = 0; i < nodes; ++i) {
    const double centre = ((i + 0.5) * spacing - origin) * zoom - 0.5;  // in pixels from the centre of pixel 0
    const int first = static_cast<int>(std::ceil(centre - reach));
    first_[static_cast<size_t>(i)] = first;
    float* weights = weights_.data() + static_cast<size_t>(i) * stride + kAxisMargin;
    for (int k = 0; k < taps_; ++k) {
      const double d = first + k - centre;
      if (d > reach || first + k < 0 || first + k >= pixels) continue;
      weights[k] = static_cast<float>(amplitude * std::exp(-d * d / (2 * variance)));
    }
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
