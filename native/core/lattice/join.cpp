#include "lattice/join.h"

#include "common/instructions.h"

namespace smartsplat {

using Join = void (*)(const JoinPart& part, float* scratch, const JoinTarget& to);

void join_part_baseline(const JoinPart& part, float* scratch, const JoinTarget& to);
#ifdef SMARTSPLAT_HAVE_avx2
void join_part_avx2(const JoinPart& part, float* scratch, const JoinTarget& to);
#endif
#ifdef SMARTSPLAT_HAVE_avx512
void join_part_avx512(const JoinPart& part, float* scratch, const JoinTarget& to);
#endif

namespace {

Join widest() {
#ifdef SMARTSPLAT_HAVE_avx512
  if (runs_here("avx512")) return join_part_avx512;
#endif
#ifdef SMARTSPLAT_HAVE_avx2
  if (runs_here("avx2")) return join_part_avx2;
#endif
  return join_part_baseline;
}

}  // namespace

void join_part(const JoinPart& part, float* scratch, const JoinTarget& to) {
  static const Join join = widest();
  join(part, scratch, to);
}

}  // namespace smartsplat
