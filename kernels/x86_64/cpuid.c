// The processor's own words, not the operating system's: under emulation /proc/cpuinfo is the host's.
#include <cpuid.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel.h"
#include "host/host.h"
#include "x86_64/cpuid.h"

void cpuid_leaf(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]) {
  uint32_t *r = registers;
  // The hypervisor's leaves (0x40000000 and up) have no maximum that leaf 0 or 0x80000000 would tell.
  uint32_t group = leaf & 0xC0000000u;
  if (group != 0x40000000u && leaf > (uint32_t)__get_cpuid_max(group, NULL)) {
    r[0] = r[1] = r[2] = r[3] = 0;
    return;
  }
  __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
}

uint64_t canary_cpuid(uint64_t calls) {
  uint32_t r[4];
  uint64_t start = clock_nanoseconds();
  for (uint64_t i = 0; i < calls; i++) __cpuid_count(0, 0, r[0], r[1], r[2], r[3]);
  return clock_nanoseconds() - start;
}

uint64_t extended_states(void) {
  uint32_t r[4], low, high;
  cpuid_leaf(1, 0, r);
  if (!(r[2] & bit_OSXSAVE)) return 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t) high << 32 | low;
}
