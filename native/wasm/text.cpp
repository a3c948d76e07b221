// Numbers as text, in place of the C library's printf, which brings 20 KB: as much of it as the core uses.
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

// The text that fits, and a zero behind it.
class Text {
 public:
  Text(char* to, size_t room) : to_(to), room_(room) {}

  void put(char c) {
    if (length_ + 1 < room_) to_[length_] = c;
    ++length_;
  }
  void put(std::string_view text) {
    for (const char c : text) put(c);
  }
  void put_whole(uint64_t number, unsigned base) {
    if (number >= base) put_whole(number / base, base);
    put("0123456789abcdef"[number % base]);
  }
  int finish() {
    if (room_ > 0) to_[std::min(length_, room_ - 1)] = 0;
    return static_cast<int>(length_);
  }

 private:
  char* to_;
  size_t room_, length_ = 0;
};

// The digits of a number of six, from the first to the last that is not zero; the point stands behind `before` of them.
void put_digits(Text& text, uint32_t digits, int before) {
  if (before <= 0) text.put("0.");
  for (int i = before; i < 0; ++i) text.put('0');
  uint32_t unit = 100000;
  for (int i = 0; digits > 0 || i < before; ++i, unit /= 10) {
    if (i == before && i > 0) text.put('.');
    text.put(static_cast<char>('0' + (unit > 0 ? digits / unit : 0)));
    if (unit > 0) digits %= unit;
  }
}

// As "%g" does, but for its last digit, which may be rounded otherwise.
void put_number(Text& text, double number) {
  if (std::isnan(number)) return text.put("nan");
  if (std::signbit(number)) text.put('-');
  const double size = std::fabs(number);
  if (std::isinf(size)) return text.put("inf");
  if (size == 0) return text.put('0');
  int exponent = 0;
  double mantissa = size;  // with one digit before the point
  for (; mantissa >= 10; ++exponent) mantissa /= 10;
  for (; mantissa < 1; --exponent) mantissa *= 10;
  uint32_t digits = static_cast<uint32_t>(mantissa * 1e5 + 0.5);
  if (digits > 999999) digits = 100000, ++exponent;
  if (exponent >= -4 && exponent < 6) return put_digits(text, digits, exponent + 1);
  put_digits(text, digits, 1);
  text.put(exponent < 0 ? "e-" : "e+");
  if (std::abs(exponent) < 10) text.put('0');
  text.put_whole(static_cast<uint64_t>(std::abs(exponent)), 10);
}

}  // namespace

// Knows %s, %g and %#x.
extern "C" int snprintf(char* to, size_t room, const char* format, ...) {
  Text text(to, room);
  va_list arguments;
  va_start(arguments, format);
  for (; *format; ++format) {
    if (*format != '%') {
      text.put(*format);
      continue;
    }
    if (*++format == '#') text.put("0x"), ++format;
    if (*format == 's') text.put(std::string_view(va_arg(arguments, const char*)));
    if (*format == 'g') put_number(text, va_arg(arguments, double));
    if (*format == 'x') text.put_whole(va_arg(arguments, unsigned), 16);
  }
  va_end(arguments);
  return text.finish();
}
