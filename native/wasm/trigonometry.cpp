// Sine and cosine of small arguments, in place of the library's: those bring 15 KB of digits of pi for arguments of any
// size, and ours are angles of axes. Within 1e-15 up to 1000 radians.
#include <cmath>

namespace {

// Of |x| <= pi / 4: the polynomials of fdlibm (k_sin.c, k_cos.c; Sun Microsystems, 1993), whose errors are below 2^-57.
double sine_part(double x) {
  const double z = x * x;
  return x + x * z *
                 (-1.66666666666666324348e-01 +
                  z * (8.33333333332248946124e-03 +
                       z * (-1.98412698298579493134e-04 +
                            z * (2.75573137070700676789e-06 +
                                 z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
}

double cosine_part(double x) {
  const double z = x * x;
  return 1 - z / 2 +
         z * z *
             (4.16666666666666019037e-02 +
              z * (-1.38888888888741095749e-03 +
                   z * (2.48015872894767294178e-05 +
                        z * (-2.75573143513906633035e-07 +
                             z * (2.08757232129817482790e-09 - z * 1.13596475577881948265e-11)))));
}

// The sine of x + quarters * pi / 2. The half of pi is in two parts: multiples of the first are exact.
double turned_sine(double x, int quarters) {
  const double turns = std::nearbyint(x * 6.36619772367581382433e-01);
  const double rest = (x - turns * 1.57079632673412561417e+00) - turns * 6.07710050650619224932e-11;
  const int quadrant = static_cast<int>(turns) + quarters;
  const double value = quadrant & 1 ? cosine_part(rest) : sine_part(rest);
  return quadrant & 2 ? -value : value;
}

}  // namespace

extern "C" {
double sin(double x) { return turned_sine(x, 0); }
double cos(double x) { return turned_sine(x, 1); }
float sinf(float x) { return static_cast<float>(turned_sine(x, 0)); }
float cosf(float x) { return static_cast<float>(turned_sine(x, 1)); }
}
