// Largest error of the kernels' exp over every float32 in [-87.3, 0], or one in so many (the argument) blocks of them, in
// ulps of the result, against double exp.
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernels.c"

// Floats that follow each other lie within one binade if the first one's number is a multiple: equally far from each
// other. exp of the first and of the distances then gives exp of all, 2^-51 off, ten times as fast as exp of each.
enum { BLOCK = 256, VECTORS = 8 };

static float from_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

// 1 over one ulp of the binade that holds t: 2^(23 - floor(log2 t)).
static double ulps_in_one(double t) {
  uint64_t bits;
  memcpy(&bits, &t, sizeof bits);
  bits = (2 * 1023 + 23 - (bits >> 52)) << 52;
  memcpy(&t, &bits, sizeof t);
  return t;
}

int main(int argc, char **argv) {
  uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  float last = -87.3f;
  double worst = 0, step = 0, factors[BLOCK];
  uint32_t end;
  uint64_t total = 0;
  memcpy(&end, &last, sizeof end);
  for (uint64_t bits = 0x80000000u; bits <= end; bits += stride * BLOCK) {
    double first = from_bits((uint32_t) bits), second = from_bits((uint32_t) bits + 1);
    if (second - first != step) {
      step = second - first;
      for (int i = 0; i < BLOCK; i++) factors[i] = exp(step * i);
    }
    double t = exp(first);
    float x[BLOCK], y[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++) x[i] = from_bits((uint32_t) bits + i);
    for (int i = 0; i < BLOCK; i += VECTORS * LANES) {
      vf v[VECTORS];
      for (int j = 0; j < VECTORS; j++) v[j] = vf_load(x + i + j * LANES);
      exp_minus(v, vf_set(0), VECTORS);
      for (int j = 0; j < VECTORS; j++) vf_store(y + i + j * LANES, v[j]);
    }
    for (int i = 0; i < BLOCK; i++) {
      double error = fabs(y[i] - t * factors[i]) * ulps_in_one(t * factors[i]);
      worst = error > worst ? error : worst;
    }
    total += BLOCK;
  }
  printf("%lu %.6f\n", total, worst);
  return 0;
}
