#include "sampling/colour.h"

#include <algorithm>
#include <cmath>

namespace smartsplat::sampling {
namespace {

constexpr size_t kPart = 256;  // points that one thread takes at a time
constexpr int kLevels = 256;

// The pixels along one axis that the interval of `scale` to both sides of the centre touches, and a grid of every
// `step`-th of them that contains the middle one, the pixel nearest to the centre.
struct Span {
  Span(double centre, double scale, int length) {
    const auto pixel = [&](double x) { return static_cast<int>(std::clamp(std::floor(x), 0.0, length - 1.0)); };
    first = pixel(centre - scale);
    middle = pixel(centre);
    last = pixel(centre + scale);
  }
  int count(int step) const { return (middle - first) / step + (last - middle) / step + 1; }
  int begin(int step) const { return middle - (middle - first) / step * step; }

  int first, middle, last;
};

// Weights of the levels of three channels.
class Histogram {
 public:
  void clear() { std::fill(&weights_[0][0], &weights_[0][0] + 3 * kLevels, 0.0); }
  void add(int channel, uint8_t level, double weight) { weights_[channel][level] += weight; }
  int lower_median(int channel, double total) const {
    double below = 0;
    for (int level = 0; level < kLevels - 1; ++level) {
      below += weights_[channel][level];
      if (2 * below >= total) return level;
    }
    return kLevels - 1;
  }

 private:
  double weights_[3][kLevels];
};

class Medians {
 public:
  explicit Medians(const Picture& picture) : picture_(picture) {}

  void find(double x, double y, double scale, float* colour) {
    const Span columns(x, scale, picture_.width), rows(y, scale, picture_.height);
    int step = 1;
    while (static_cast<int64_t>(columns.count(step)) * rows.count(step) > kMostSamples) ++step;
    histogram_.clear();
    double total = 0;
    for (int row = rows.begin(step); row <= rows.last; row += step) {
      total += add_row(row, columns.begin(step), columns.last, step, x, y, scale * scale);
    }
    const size_t nearest = static_cast<size_t>(rows.middle) * picture_.width + columns.middle;
    for (int c = 0; c < 3; ++c) {
      const int level = total > 0 ? histogram_.lower_median(c, total) : picture_.channel(c)[nearest];
      colour[c] = static_cast<float>(level) / 255.0f;
    }
  }

 private:
  // Adds the pixels of a row whose squared distance is at most `area`, and returns the sum of their weights.
  double add_row(int row, int first, int last, int step, double x, double y, double area) {
    const size_t at = static_cast<size_t>(row) * picture_.width;
    const uint8_t *red = picture_.channel(0) + at, *green = picture_.channel(1) + at, *blue = picture_.channel(2) + at;
    const double dy = row + 0.5 - y, falloff = -0.5 / area;
    double total = 0;
    for (int column = first; column <= last; column += step) {
      const double dx = column + 0.5 - x, distance = dx * dx + dy * dy;
      if (!(distance <= area)) continue;
      const double weight = std::exp(falloff * distance);
      histogram_.add(0, red[column], weight);
      histogram_.add(1, green[column], weight);
      histogram_.add(2, blue[column], weight);
      total += weight;
    }
    return total;
  }

  const Picture picture_;
  Histogram histogram_;
};

}  // namespace

void median_colours(const Picture& picture, const float* centres, const float* scales, size_t count, float* colours,
                    const Parallel& parallel) {
  parallel.for_each((count + kPart - 1) / kPart, [&](size_t part) {
    Medians medians(picture);
    for (size_t i = part * kPart; i < std::min(count, (part + 1) * kPart); ++i) {
      medians.find(centres[2 * i], centres[2 * i + 1], scales[i], colours + 3 * i);
    }
  });
}

}  // namespace smartsplat::sampling
