// Largest error of the kernels' exp over every float32 in [-87.3, 0], in ulps of the result, against double exp.
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "kernels.c"

static float from_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

// One ulp of the binade that holds t: 2^(floor(log2 t) - 23).
static double ulp(double t) {
  uint64_t bits;
  memcpy(&bits, &t, sizeof bits);
  bits = ((bits >> 52) - 23) << 52;
  memcpy(&t, &bits, sizeof t);
  return t;
}

int main(void) {
  float last = -87.3f;
  double worst = 0;
  uint32_t end;
  uint64_t total = 0;
  memcpy(&end, &last, sizeof end);
  for (uint64_t bits = 0x80000000u; bits <= end; bits += LANES) {
    float x[LANES], y[LANES];
    for (uint32_t i = 0; i < LANES; i++) x[i] = from_bits((uint32_t) (bits + i <= end ? bits + i : end));
    vf v = vf_load(x);
    exp_minus(&v, vf_set(0), 1);
    vf_store(y, v);
    for (int i = 0; i < LANES; i++, total++) {
      double t = exp((double) x[i]), error = fabs(y[i] - t) / ulp(t);
      if (error > worst) worst = error;
    }
  }
  printf("%lu %.6f\n", total, worst);
  return 0;
}
