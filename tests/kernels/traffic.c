// Runs passes once over N elements, for a simulator that counts what they touch: `traffic N max u2k1 exp_sum u2k1 ...`.
// Tells where X and Y lie.
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel.h"
#include "table.h"

enum { MOST = 1 << 20 };
static float x[MOST], y[MOST], blocks[MOST / BLOCK_ELEMENTS + 1];

int main(int argc, char **argv) {
  size_t n = (size_t) atol(argv[1]);
  struct carry carry = { 1, 0, blocks };
  printf("%p %p\n", (void *) x, (void *) y);
  for (int a = 2; a + 1 < argc; a += 2)
    for (int k = 0; k < kernel_count; k++) {
      char variant[16];
      snprintf(variant, sizeof variant, "u%dk%d", kernels[k].unroll, kernels[k].accumulators);
      if (!strcmp(kernels[k].name, argv[a]) && !strcmp(variant, argv[a + 1])) kernels[k].run(x, y, &carry, n);
    }
  return 0;
}
