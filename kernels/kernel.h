// A kernel and what it hands to the next one. cffi reads this file too, so it has no preprocessor lines.

// What one pass finds and the next one needs.
struct carry {
  double sum;       // The sum of exp(x[i] - reference). Two-Pass: the sum of exp(x[i]) is sum * 2^reference.
  float reference;  // Three-Pass: the largest x[i]. Two-Pass: the largest exponent of any exp(x[i]).
  float *blocks;    // Memory of the caller's for one float of each block: what y refers to there. Only passes by blocks use it.
};

// The elements of a block, for passes that go over x block by block: x and y of one fit in L1 together. They are whole
// iterations of 1, 2, 4, 8, 10 and 12 vectors of up to 16 lanes.
enum { BLOCK_ELEMENTS = 1920 };

// How what a pass finds over the parts of a vector becomes what it would find over the whole.
enum combination {
  COMBINE_NONE,      // it finds nothing
  COMBINE_MAX,       // the largest reference
  COMBINE_SUM,       // the sum of sum * exp(reference)
  COMBINE_BLOCKS,    // the same, and y refers to what `blocks` has for each block
  COMBINE_EXTENDED   // the sum of sum * 2^reference
};

struct kernel {
  const char *name;
  int unroll;                        // vectors per iteration
  int accumulators;                  // independent accumulators; of a bandwidth kernel: streams
  int reads_x, reads_y, writes_y;    // declared traffic, in floats per element
  int needs;                         // enum combination: the result of a pass before it
  int combine;                       // enum combination: its own
  int computes;                      // a pass of a softmax; else a loop that only moves data, whatever its bits
  int non_temporal;                  // its stores go past the caches
  float domain;                      // of a pass: results are specified for |x[i]| up to this
  const char *twin_of;               // the pass whose sums this one accumulates as published; NULL: of none
  const char *form_of;               // the pass that this one is, with exp by a table or with prefetches; NULL: it is plain
  const char *origin;                // paper: it is in the paper; later: it came after it; ours: a loop
  void (*run)(const float *x, float *y, struct carry *carry, size_t n);
};
