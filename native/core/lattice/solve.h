// Solves for values on a grid whose Gram matrix is a product of banded ones along the two axes.
#pragma once

#include <cstddef>
#include <vector>

#include "common/parallel.h"

namespace smartsplat {

// Cholesky factor of a symmetric banded matrix.
class BandedCholesky {
 public:
  // upper[b][i] is the element at (i - (bands - 1 - b), i), for i of n: the last row is the diagonal.
  BandedCholesky(const double* upper, int bands, int n);

  // In place, for `width` right sides at once: element i of all of them at data + i * stride.
  void solve(float* data, int stride, int width) const;

 private:
  float at(int i, int back) const { return factor_[static_cast<size_t>(i) * static_cast<size_t>(bands_) + back]; }

  int bands_, n_;
  std::vector<float> factor_;   // [i][back]: L(i, i - back)
  std::vector<float> inverse_;  // of L(i, i)
};

// In place, for one plane in rows: along its columns by `down`, then along its rows by `across`.
void solve_plane(float* plane, int rows, int columns, const BandedCholesky& down, const BandedCholesky& across,
                 const Parallel& parallel);

}  // namespace smartsplat
