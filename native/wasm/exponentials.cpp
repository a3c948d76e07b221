// Powers and logarithms, in place of the library's, whose tables are 12 KB that do not pack. Within 1e-15 of
// themselves.
#include <cmath>
#include <limits>

namespace {

constexpr double kLog2 = 6.93147180559945286227e-01;
constexpr double kLog2High = 6.93147180369123816490e-01, kLog2Low = 1.90821492927058770002e-10;  // of fdlibm

constexpr int kTerms = 14;  // of the exponential's series, for |x| <= log(2) / 2

// The exponential of a small number, times 2^power.
double scaled(double x, double power) {
  if (power > 1100) return std::numeric_limits<double>::infinity();
  if (!(power > -1100)) return power == power ? 0 : power;
  constexpr auto kInverse = [] {
    struct {
      double of[kTerms];  // 1 / k!
    } inverse{};
    double factorial = 1;
    for (int k = 0; k < kTerms; ++k) factorial *= k > 0 ? k : 1, inverse.of[k] = 1 / factorial;
    return inverse;
  }();
  double sum = 0;
  for (int k = kTerms - 1; k >= 0; --k) sum = sum * x + kInverse.of[k];
  return std::ldexp(sum, static_cast<int>(power));
}

double power_of_two(double x) {
  const double power = std::nearbyint(x);
  return scaled((x - power) * kLog2, power);
}

double exponential(double x) {
  const double power = std::nearbyint(x / kLog2);
  return scaled((x - power * kLog2High) - power * kLog2Low, power);
}

// By the series of the inverse hyperbolic tangent.
double binary_logarithm(double x) {
  if (!(x > 0) || std::isinf(x)) return x > 0 ? x : x == 0 ? -HUGE_VAL : std::numeric_limits<double>::quiet_NaN();
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // from 1/2 to 1
  if (mantissa < 7.07106781186547524e-01) mantissa *= 2, --exponent;
  const double s = (mantissa - 1) / (mantissa + 1), s2 = s * s;
  double sum = 0;
  for (int k = 23; k > 0; k -= 2) sum = sum * s2 + 1.0 / k;
  return exponent + 2 * s * sum / kLog2;
}

}  // namespace

// None calls another: compilers make a function for floats of one for doubles whose result is rounded.
extern "C" {
double exp2(double x) { return power_of_two(x); }
double exp(double x) { return exponential(x); }
double log2(double x) { return binary_logarithm(x); }
float exp2f(float x) { return static_cast<float>(power_of_two(x)); }
float expf(float x) { return static_cast<float>(exponential(x)); }
float log2f(float x) { return static_cast<float>(binary_logarithm(x)); }
}
