// The one exception type that leaves the library.
#pragma once

#include <stdexcept>
#include <string>

namespace smartsplat {

enum class ErrorKind {
  kArgument,   // a caller's value is out of its range
  kFormat,     // bytes that are not a valid file
  kView,       // a view that the picture does not have
  kLimit,      // valid, but more work than a caller allows or the library can do
  kRead,       // a read callback failed
  kCancelled,  // the caller's interrupt asked for it
};

// Its text is one line for a person to read. Where memory runs out std::bad_alloc is thrown.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

inline void require(bool condition, const char* text) {
  if (!condition) throw Error(ErrorKind::kArgument, text);
}

}  // namespace smartsplat
