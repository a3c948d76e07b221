#include "fuzz/mutations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "format/format.h"

using namespace smartsplat;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double odd_number(Random& random) {
  using Limits = std::numeric_limits<double>;
  return random.pick({0.0,
                      -0.0,
                      1.0,
                      -1.0,
                      0.5,
                      1e-9,
                      1e-30,
                      1e-300,
                      Limits::denorm_min(),
                      Limits::epsilon(),
                      Limits::max(),
                      -Limits::max(),
                      1e30,
                      kInfinity,
                      -kInfinity,
                      Limits::quiet_NaN(),
                      0x1p30,
                      0x1p31,
                      0x1p32,
                      0x1p-32,
                      0x1p53,
                      4194304.0});
}

// Where a region may begin along a side, or end; some are just beyond.
double coordinate(double side, Random& random) {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return std::floor(random.fraction() * side);
    case 2:
      return std::nextafter(side, random.pick({-1.0, kInfinity}));
    case 3:
      return random.pick({0.0, side}) + random.pick({0.01, -0.01, 1e-9, -1e-9, 0.011, -0.011});
    case 4:
      return odd_number(random);
    default:
      return random.fraction() * side;
  }
}

void mutate_region(Request& request, const double sides[2], Random& random) {
  const size_t axis = random.below(2);
  double &from = request.region[axis], &length = request.region[axis + 2];
  from = coordinate(sides[axis], random);
  length = random.one_in(8) ? odd_number(random) : coordinate(sides[axis], random) - from;
  if (random.one_in(4)) length = std::abs(length) * std::exp2(-30 * random.fraction());
}

// Most of them so that the view is not too large to be decoded.
double some_scale(const Request& request, const double sides[2], Random& random) {
  const bool whole = request.is(Request::kWhole);
  const double area = whole ? sides[0] * sides[1] : std::abs(request.region[2] * request.region[3]);
  const double most = std::sqrt((request.is(Request::kLarge) ? 0x1p20 : 0x1p12) / area);
  switch (random.below(6)) {
    case 0:
      return odd_number(random);
    case 1:
      return 1;
    case 2:
      return std::exp2(16 * random.fraction() - 8);
    default:
      return most * random.fraction();
  }
}

void mutate_own_view(Request& request, const double sides[2], Random& random) {
  const bool large = request.is(Request::kLarge);
  const int longest = large ? 1 << 20 : 1 << 12;
  const int first = random.one_in(4) ? edgy(1, longest, random) : random.between(1, large ? 1024 : 64);
  const int second = longest / std::clamp(first, 1, longest);
  const size_t axis = random.below(2);
  request.sides[axis] = first;
  request.sides[1 - axis] = random.one_in(2) ? second : random.between(1, second);
  if (random.one_in(16)) request.sides[axis] = random.pick({0, -1, 1 << 30, std::numeric_limits<int>::max()});
  request.view[0] = request.sides[0] / (random.fraction() * sides[0] + 1e-9);
  request.view[1] = coordinate(sides[0], random);
  request.view[2] = coordinate(sides[1], random);
  request.view[3] = random.pick({0.0, 1.0, random.fraction(), random.fraction() / 12});
  request.view[4] = random.one_in(2) ? 1 : std::exp2(random.fraction() - 0.5);
  if (random.one_in(3)) request.view[random.below(5)] = odd_number(random);
}

void mutate_manner(Request& request, Random& random) {
  request.format = static_cast<uint8_t>(random.below(random.one_in(8) ? 256 : 9));
  request.threads = static_cast<uint8_t>(random.one_in(8) ? random.below(256) : 1 + random.below(2));
  request.gap = static_cast<uint8_t>(random.one_in(2) ? 0 : random.below(256));
}

}  // namespace

void mutate_bytes(std::vector<uint8_t>& bytes, size_t most) {
  const size_t before = bytes.size();
  bytes.resize(std::max<size_t>(most, 1));
  bytes.resize(LLVMFuzzerMutate(bytes.data(), std::min(before, most), most));
}

void mutate_request(Request& request, Bytes file, Random& random) {
  const std::optional<Draft> draft = read_draft(file);
  const bool known = draft && draft->has_size();
  const double sides[2] = {known ? draft->columns() : 64.0, known ? draft->rows() : 64.0};
  switch (random.below(8)) {
    case 0:
      request.flags ^= random.pick({1u, 1u, 2u, 2u, 4u});
      break;
    case 1:
      mutate_manner(request, random);
      break;
    case 2:
    case 3:
    case 4:
      mutate_region(request, sides, random);
      break;
    case 5:
    case 6:
      mutate_own_view(request, sides, random);
      break;
    default:
      break;
  }
  request.scale = some_scale(request, sides, random);
}

int edgy(int least, int most, Random& random) {
  switch (random.below(5)) {
    case 0:
      return least;
    case 1:
      return most;
    case 2:
      return random.pick({least - 1, least + 1, most - 1, most + 1});
    default:
      return random.between(least, most);
  }
}

void mutate_size(Draft& draft, Random& random) {
  uint64_t& side = random.one_in(2) ? draft.width : draft.height;
  if (random.one_in(4)) {
    draft.flags ^= 1;
  } else if (random.one_in(32)) {
    side = random.pick<uint64_t>({0, kGreatestSide, kGreatestSide - 1, kGreatestSide + 1, kGreatestNumber, 65536});
  } else {
    side = static_cast<uint64_t>(edgy(1, 1 << random.between(0, 10), random));
  }
}
