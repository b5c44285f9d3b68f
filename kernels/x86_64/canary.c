// Two pieces of fixed work whose duration tells what the core gives at this moment. A neighbour on the same physical core
// was seen to take FMA throughput to 0.4 of its best while the hypervisor's steal counter stood still.
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel.h"
#include "host/host.h"

// Register to register, since some processors add small constants at no cycle while renaming.
int64_t canary_clock(uint64_t additions) {
  uint64_t sum = 0, one = 1, start = clock_nanoseconds();
  for (uint64_t i = 0; i < additions; i += 16)
    __asm__ volatile(".rept 16\n\tadd %1, %0\n\t.endr" : "+r"(sum) : "r"(one));
  return (int64_t) (clock_nanoseconds() - start);
}

// Eight chains of FMAs fill both ports at a latency of 4 cycles; the additions between them ask for the remaining issue
// slots, since a sibling that does no vector work takes those. (While a neighbour slowed exp_sum to 1.5 times its best time,
// FMAs alone took 1.01 times theirs, and this mix 1.25 to 1.6 times.)
__attribute__((target("avx,fma"))) int64_t canary_throughput(uint64_t multiply_adds) {
  __m256 a = _mm256_set1_ps(1), c[8] = { a, a, a, a, a, a, a, a };
  uint64_t n[4] = { 0, 0, 0, 0 }, one = 1, start = clock_nanoseconds();
#define FMA(chain) "vfmadd231ps %[a], %[a], %[c" #chain "]\n\t"
#define ADD(chain) "add %[one], %[n" #chain "]\n\t"
  for (uint64_t i = 0; i < multiply_adds; i += 8)
    __asm__ volatile(FMA(0) ADD(0) ADD(1) FMA(1) ADD(2) ADD(3) FMA(2) ADD(0) ADD(1) FMA(3) ADD(2) ADD(3)
                     FMA(4) ADD(0) ADD(1) FMA(5) ADD(2) ADD(3) FMA(6) ADD(0) FMA(7) ADD(1)
                     : [c0] "+x"(c[0]), [c1] "+x"(c[1]), [c2] "+x"(c[2]), [c3] "+x"(c[3]), [c4] "+x"(c[4]),
                       [c5] "+x"(c[5]), [c6] "+x"(c[6]), [c7] "+x"(c[7]), [n0] "+r"(n[0]), [n1] "+r"(n[1]),
                       [n2] "+r"(n[2]), [n3] "+r"(n[3])
                     : [a] "x"(a), [one] "r"(one));
  return (int64_t) (clock_nanoseconds() - start);
}
