// Two pieces of fixed work whose duration tells what the core gives at this moment. A neighbour on the same physical core
// was seen to take FMA throughput to 0.4 of its best while the hypervisor's steal counter stood still.
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel.h"
#include "host.h"

// Register to register, since some processors add small constants at no cycle while renaming.
uint64_t canary_clock(uint64_t additions) {
  uint64_t sum = 0, one = 1, start = clock_nanoseconds();
  for (uint64_t i = 0; i < additions; i += 16)
    __asm__ volatile(".rept 16\n\tadd %1, %0\n\t.endr" : "+r"(sum) : "r"(one));
  return clock_nanoseconds() - start;
}

__attribute__((target("avx,fma"))) uint64_t canary_throughput(uint64_t multiply_adds) {
  __m256 a = _mm256_set1_ps(1), c[8] = { a, a, a, a, a, a, a, a };
  uint64_t start = clock_nanoseconds();
  for (uint64_t i = 0; i < multiply_adds; i += 8)
    __asm__ volatile("vfmadd231ps %8, %8, %0\n\tvfmadd231ps %8, %8, %1\n\tvfmadd231ps %8, %8, %2\n\t"
                     "vfmadd231ps %8, %8, %3\n\tvfmadd231ps %8, %8, %4\n\tvfmadd231ps %8, %8, %5\n\t"
                     "vfmadd231ps %8, %8, %6\n\tvfmadd231ps %8, %8, %7"
                     : "+x"(c[0]), "+x"(c[1]), "+x"(c[2]), "+x"(c[3]), "+x"(c[4]), "+x"(c[5]), "+x"(c[6]), "+x"(c[7])
                     : "x"(a));
  return clock_nanoseconds() - start;
}
