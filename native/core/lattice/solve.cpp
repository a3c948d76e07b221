#include "lattice/solve.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace smartsplat {
namespace {

constexpr int kWidth = 64;  // columns solved together
constexpr int kRows = 16;   // rows solved together

}  // namespace

BandedCholesky::BandedCholesky(const double* upper, int bands, int n) : bands_(bands), n_(n) {
  const auto matrix = [&](int i, int back) { return upper[static_cast<size_t>(bands - 1 - back) * n + i]; };
  std::vector<double> factor(static_cast<size_t>(n) * bands);
  for (int i = 0; i < n; ++i) {
    for (int back = std::min(i, bands - 1); back >= 0; --back) {
      const int j = i - back;
      double value = matrix(i, back);
      for (int k = std::max(0, i - bands + 1); k < j; ++k) {
        if (j - k < bands)
          value -= factor[static_cast<size_t>(i) * bands + i - k] * factor[static_cast<size_t>(j) * bands + j - k];
      }
      factor[static_cast<size_t>(i) * bands + back] =
          back == 0 ? std::sqrt(value) : value / factor[static_cast<size_t>(j) * bands];
    }
  }
  factor_.assign(factor.begin(), factor.end());
  inverse_.resize(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i)
    inverse_[static_cast<size_t>(i)] = static_cast<float>(1 / factor[static_cast<size_t>(i) * bands]);
}

void BandedCholesky::solve(float* data, int stride, int width) const {
  const auto row = [&](int i) { return data + static_cast<ptrdiff_t>(i) * stride; };
  for (int i = 0; i < n_; ++i) {
    float* here = row(i);
    for (int back = 1; back <= std::min(i, bands_ - 1); ++back) {
      const float factor = at(i, back);
      const float* other = row(i - back);
      for (int k = 0; k < width; ++k) here[k] -= factor * other[k];
    }
    for (int k = 0; k < width; ++k) here[k] *= inverse_[static_cast<size_t>(i)];
  }
  for (int i = n_ - 1; i >= 0; --i) {
    float* here = row(i);
    for (int back = 1; back < bands_ && i + back < n_; ++back) {
      const float factor = at(i + back, back);
      const float* other = row(i + back);
      for (int k = 0; k < width; ++k) here[k] -= factor * other[k];
    }
    for (int k = 0; k < width; ++k) here[k] *= inverse_[static_cast<size_t>(i)];
  }
}

void solve_plane(float* plane, int rows, int columns, const BandedCholesky& down, const BandedCholesky& across,
                 const Parallel& parallel) {
  parallel.for_each(static_cast<size_t>((columns + kWidth - 1) / kWidth), [&](size_t part) {
    const int first = static_cast<int>(part) * kWidth;
    down.solve(plane + first, columns, std::min(kWidth, columns - first));
  });
  parallel.for_each(static_cast<size_t>((rows + kRows - 1) / kRows), [&](size_t part) {
    const int first = static_cast<int>(part) * kRows, count = std::min(kRows, rows - first);
    float* const from = plane + static_cast<ptrdiff_t>(first) * columns;
    std::vector<float> turned(static_cast<size_t>(columns) * kRows);  // so that the inner loops are over rows
    for (int y = 0; y < count; ++y) {
      for (int x = 0; x < columns; ++x)
        turned[static_cast<size_t>(x) * kRows + y] = from[static_cast<ptrdiff_t>(y) * columns + x];
    }
    across.solve(turned.data(), kRows, kRows);
    for (int y = 0; y < count; ++y) {
      for (int x = 0; x < columns; ++x)
        from[static_cast<ptrdiff_t>(y) * columns + x] = turned[static_cast<size_t>(x) * kRows + y];
    }
  });
}

}  // namespace smartsplat
