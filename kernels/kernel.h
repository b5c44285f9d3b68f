// A kernel and what it hands to the next one. cffi reads this file too, so it has no preprocessor lines.

// What one pass finds and the next one needs.
struct carry {
  double sum;       // Three-Pass: the sum of exp(x[i] - reference). Two-Pass: the sum of exp(x[i]) is sum * 2^reference.
  float reference;  // Three-Pass: the largest x[i]. Two-Pass: the largest exponent of any exp(x[i]).
};

struct kernel {
  const char *name;
  int unroll;                        // vectors per iteration
  int accumulators;                  // independent accumulators; of a bandwidth kernel: streams
  int reads_x, reads_y, writes_y;    // declared traffic, in floats per element
  float domain;                      // results are specified for |x[i]| up to this; 0: any bits are fine
  void (*run)(const float *x, float *y, struct carry *carry, size_t n);
};
