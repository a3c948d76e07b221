#include "lattice/axis.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lattice/low_band.h"
#include "lattice/pyramid.h"
#include "lattice/sharpening.h"

namespace smartsplat {
namespace {

constexpr double kDenseFrom = 1.25;  // nodes for each pixel, from which on weights are sorted by pixels

}  // namespace

LatticeAxis::LatticeAxis(const NodeRow& nodes, int pixels, double zoom, double origin, double blur) {
  const double pitch = std::ldexp(nodes.spacing * zoom, nodes.level);
  const double finest = nodes.spacing * zoom, own = kLatticeScale * finest;
  const double variance = own * own + blur - pyramid_variance(nodes.level) * finest * finest;
  const double reach = kLatticeReach / kLatticeScale * std::sqrt(variance);
  const double amplitude = std::ldexp(own / std::sqrt(variance), nodes.level);
  // Of node 0, in pixels from the centre of pixel 0.
  const double start = (0.5 - nodes.before) * pitch - origin * zoom - 0.5;
  const auto clamped = [&](double node) {
    return static_cast<int>(std::clamp(node, 0.0, static_cast<double>(nodes.count)));
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
  if (nodes.low > 0) take_values(nodes.count, nodes.spacing);
  for (int low = 1, all = nodes.count; low <= nodes.low; ++low, all = (all + 1) / 2) halve(low, all);
  if (static_cast<double>(first_.size()) > kDenseFrom * pixels) sort_by_pixels(pixels);
  for (const int ratio : {2, 4}) {
    if (dense_taps_ > 0 && nodes.low == 0 && pitch * ratio == 1) share(start, ratio, reach, amplitude, variance);
  }
  if (count == 0 || nodes.low > 0 || (pitch != 1 && pitch != 2) || taps_ < widest || taps_ > kMostEvenTaps) return;
  pitch_ = static_cast<int>(pitch);
  const double centre = start + first_node_ * pitch, first = first_pixel(first_node_);
  even_first_ = static_cast<int>(first);
  even_.assign(static_cast<size_t>(taps_ + pitch_), 0.0f);  // kernels look at some more
  for (int k = 0; k < taps_; ++k) {
    const double d = first + k - centre;
    even_[static_cast<size_t>(k)] = d > reach ? 0 : static_cast<float>(amplitude * std::exp(-d * d / (2 * variance)));
  }
}

AxisWeights LatticeAxis::weights(int first) const {
  const int stride = taps_ + kAxisMargin;
  return {first_.data() + first,
          weights_.data() + kAxisMargin + ptrdiff_t{first} * stride,
          taps_,
          stride,
          pitch_ > 0 ? even_.data() : nullptr,
          even_first_ + first * pitch_,
          pitch_,
          dense_taps_ > 0 && first == 0 ? dense_.data() : nullptr,  // which counts nodes from the first one
          dense_first_.data(),
          dense_count_.data(),
          dense_taps_,
          shared_.empty() ? nullptr : shared_.data(),
          shared_first_,
          ratio_};
}

void LatticeAxis::take_values(int count, int spacing) {
  const int end = first_node_ + nodes();
  if (count < 2 || nodes() == 0) return;
  const SharpeningFilter& filter = sharpening(spacing);
  recombine(std::max(0, first_node_ - kSharpeningReach), std::min(count, end + kSharpeningReach) - 1, 1,
            kSharpeningReach, [&](int node, int value) { return sharpening_share(filter, node, value, count); });
}

void LatticeAxis::halve(int level, int count) {
  const int end = first_node_ + nodes(), reach = low_reach(level);
  if (count < 2 || nodes() == 0) return;
  recombine(std::max(0, first_node_ - reach + 1) / 2, std::min(count - 1, end - 1 + reach) / 2, 2, reach,
            [=](int node, int value) { return low_share(level, node, value, count); });
}

void LatticeAxis::recombine(int first, int last, int step, int reach, const std::function<float(int, int)>& of) {
  const int begin = first_node_, end = begin + nodes();
  const auto from = [&](int value) { return std::max(begin, step * value - reach); };  // nodes that it is seen by
  const auto to = [&](int value) { return std::min(end - 1, step * value + reach); };
  const auto first_pixel = [&](int node) { return first_[static_cast<size_t>(node - begin)]; };
  LatticeAxis made;
  made.first_node_ = first;
  for (int value = first; value <= last; ++value) {
    made.first_.push_back(first_pixel(from(value)));
    made.taps_ = std::max(made.taps_, first_pixel(to(value)) + taps_ - made.first_.back());
  }
  const ptrdiff_t stride = taps_ + kAxisMargin, new_stride = made.taps_ + kAxisMargin;
  made.weights_.assign(kAxisMargin + made.first_.size() * static_cast<size_t>(new_stride), 0.0f);
  for (int value = first; value <= last; ++value) {
    for (int node = from(value); node <= to(value); ++node) {
      const float share = of(node, value);
      const float* source = weights_.data() + kAxisMargin + (node - begin) * stride;
      float* result = made.weights_.data() + kAxisMargin + (value - first) * new_stride + first_pixel(node) -
                      made.first_[static_cast<size_t>(value - first)];
      for (int k = 0; k < taps_; ++k) result[k] += share * source[k];
    }
  }
  *this = std::move(made);
}

void LatticeAxis::sort_by_pixels(int pixels) {
  const size_t size = static_cast<size_t>(pixels);
  dense_first_.assign(size, 0);
  dense_count_.assign(size, 0);
  for (int i = 0; i < nodes(); ++i) {
    const int end = std::min(pixels, first_[static_cast<size_t>(i)] + taps_);
    for (int pixel = first_[static_cast<size_t>(i)]; pixel < end; ++pixel) {
      const size_t at = static_cast<size_t>(pixel);
      if (dense_count_[at]++ == 0) dense_first_[at] = i;
    }
  }
  for (size_t at = 1; at < size; ++at) {
    if (dense_count_[at] == 0) dense_first_[at] = dense_first_[at - 1];
  }
  const int most = *std::max_element(dense_count_.begin(), dense_count_.end());
  dense_taps_ = (most + kDenseStep - 1) / kDenseStep * kDenseStep;
  dense_.assign(size * static_cast<size_t>(dense_taps_), 0.0f);
  const AxisWeights axis = weights();
  for (size_t at = 0; at < size; ++at) {
    for (int k = 0; k < dense_count_[at]; ++k) {
      const int i = dense_first_[at] + k;
      dense_[at * static_cast<size_t>(dense_taps_) + static_cast<size_t>(k)] =
          axis.weights[static_cast<ptrdiff_t>(i) * axis.stride + (static_cast<int>(at) - axis.first[i])];
    }
  }
}

void LatticeAxis::share(double start, int ratio, double reach, double amplitude, double variance) {
  const double low = std::ceil((-reach - start) * ratio), high = std::floor((reach - start) * ratio);
  const int taps = ratio * shared_groups(ratio);
  if (high - low >= taps) return;
  ratio_ = ratio;
  shared_first_ = static_cast<int>(low) - first_node_;
  shared_.assign(static_cast<size_t>(taps), 0.0f);
  for (double node = low; node <= high; ++node) {
    const double d = start + node / ratio;
    shared_[static_cast<size_t>(node - low)] = static_cast<float>(amplitude * std::exp(-d * d / (2 * variance)));
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
