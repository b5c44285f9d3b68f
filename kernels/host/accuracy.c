// References in 80-bit precision, and how far results are from them.
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "kernel.h"
#include "host/host.h"

enum { CHUNK = 1 << 14 };

// An error as it is told: what is larger, infinite or no number at all is off by LARGEST_ERROR. So written that NaN, which
// is no less than anything, counts as wrong, and that the result can stand in JSON.
static double told(long double error) { return error < LARGEST_ERROR ? (double) error : LARGEST_ERROR; }

long double reference_terms(const float *x, size_t n, long double *terms) {
  float max = -FLT_MAX;
  for (size_t i = 0; i < n; i++) max = x[i] > max ? x[i] : max;
  // Neumaier's compensated sum: what an addition loses is added up on its own.
  long double sum = 0, lost = 0;
  for (size_t i = 0; i < n; i++) {
    terms[i] = expl((long double) x[i] - max);
    long double next = sum + terms[i];
    lost += sum >= terms[i] ? (sum - next) + terms[i] : (terms[i] - next) + sum;
    sum = next;
  }
  return sum + lost;
}

struct softmax_error softmax_error(const float *y, const long double *terms, long double sum, size_t n) {
  struct softmax_error e = { 0, 0, 0, 0 };
  long double squares = 0, total = 0;
  size_t counted = 0;
  for (size_t i = 0; i < n; i++) {
    long double expected = terms[i] / sum;
    total += y[i];
    if (!isfinite(y[i])) e.not_finite++;
    // Of what is flushed to 0, or nearly, the relative error says nothing.
    if (expected < FLT_MIN && fabsf(y[i]) <= 2 * FLT_MIN) continue;
    double relative = told(fabsl(y[i] - expected) / expected);
    if (relative > e.largest) e.largest = relative;
    squares += (long double) relative * relative;
    counted++;
  }
  e.rms = counted ? (double) sqrtl(squares / (long double) counted) : 0;
  e.sum = copysign(told(fabsl(total - 1)), (double) (total - 1));
  return e;
}

void exp_ulps(const struct kernel *exp_store, float lowest, uint32_t stride, struct ulps *errors) {
  static float x[CHUNK], y[CHUNK];
  uint32_t last, bits = 0x80000000u;  // from -0 downwards
  memcpy(&last, &lowest, sizeof last);
  while (bits <= last) {
    size_t n = 0;
    for (; n < CHUNK && bits <= last; n++, bits += stride) memcpy(&x[n], &bits, sizeof bits);
    struct carry carry = { 0 };
    for (size_t i = 0; i < n; i++) y[i] = NAN;  // or what a kernel does not write would be the chunk before
    exp_store->run(x, y, &carry, n);
    for (size_t i = 0; i < n; i++) {
      double expected = exp((double) x[i]);
      // Spacing of floats at the expected value, which is normal down to exp(-87.3).
      double ulps = told(fabs(y[i] - expected) / ldexp(1, ilogb(expected) - 23));
      double bin = ulps * errors->bins_per_ulp;
      errors->counts[bin < (double) errors->bins ? (size_t) bin : errors->bins - 1]++;
      if (ulps > errors->largest) errors->largest = ulps;
    }
  }
}
