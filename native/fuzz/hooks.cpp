// What libFuzzer calls.
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "fuzz/draft.h"
#include "fuzz/mutations.h"
#include "fuzz/target.h"

namespace {

// Of the processor, in all threads: the time on a clock says more about what else the machine does.
double milliseconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Says how long the slowest input took, whenever there is a slower one: campaign.py reads it.
void tell_time(double taken) {
  static double slowest = 10;
  if (taken < 1.05 * slowest) return;
  slowest = taken;
  std::fprintf(stderr, "slowest input: %.1f ms\n", slowest);
}

// Aborts when an input has taken far more of the processor's time than a view of a megapixel or less should, even with
// sanitizers. (libFuzzer's own limit is of the time on a clock.)
class Deadline {
 public:
  Deadline() {
    std::signal(SIGPROF, [](int) {
      constexpr char kText[] = "the input takes too long\n";
      (void)!write(STDERR_FILENO, kText, sizeof kText - 1);
      std::abort();
    });
    set(20);
  }
  ~Deadline() { set(0); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  static void set(int seconds) {
    const itimerval timer = {{0, 0}, {seconds, 0}};
    setitimer(ITIMER_PROF, &timer, nullptr);
  }
};

// One input in some hundred is large.
void choose_extent(Requests& requests, Random& random) {
  for (Request& request : requests) {
    if (!random.one_in(16)) request.flags &= ~uint32_t{Request::kLarge};
  }
  if (random.one_in(512)) requests[0].flags |= Request::kLarge;
}

// What was mutated, or what was there if that became too long.
size_t finished(const Input& input, std::span<uint8_t> room, size_t before) {
  const size_t size = write_input(input, room);
  return size > 0 ? size : before;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Input input = read_input(data, size);
  const Deadline deadline;
  const double start = milliseconds();
  kTarget.examine(input);
  tell_time(milliseconds() - start);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  Random random(seed);
  Input input = read_input(data, size);
  choose_extent(input.requests, random);
  if (random.below(16) < static_cast<size_t>(kTarget.request_share)) {
    mutate_request(input.requests[random.below(kRequests)], input.file, random);
  } else if (most > sizeof(Requests)) {
    kTarget.mutate(input.file, most - sizeof(Requests), random);
  }
  return finished(input, {data, most}, size);
}

// Chunks, metadata and requests of either; the rest is the first one's.
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* first, size_t first_size, const uint8_t* second,
                                            size_t second_size, uint8_t* out, size_t most, unsigned seed) {
  Random random(seed);
  Input input = read_input(first, first_size);
  const Input other = read_input(second, second_size);
  std::optional<Draft> draft = read_draft(input.file), donor = read_draft(other.file);
  if (draft && donor) {
    for (size_t i = 0; i < std::min(draft->chunks.size(), donor->chunks.size()); ++i) {
      if (random.one_in(2)) draft->chunks[i] = donor->chunks[i];
    }
    if (random.one_in(2)) draft->metadata = donor->metadata;
    if (random.one_in(4)) draft->splats = donor->splats;
    input.file = write_draft(*draft);
  }
  for (size_t i = 0; i < kRequests; ++i) {
    if (random.one_in(2)) input.requests[i] = other.requests[i];
  }
  return write_input(input, {out, most});
}
