// What every ISA's kernels share: the timed loop, the clock, the canary, the arena. Compiled for any processor of the
// architecture, so that it runs on one that lacks the ISAs. cffi reads this file too, so it has no preprocessor lines.

// What holds before each timed batch of calls.
enum cache_state {
  CACHE_WARM,   // the same operands as before, after one untimed call
  CACHE_PAPER,  // the input was just read; the output is the one of the rotation that was written longest ago
  CACHE_COLD,   // no line of input or output is in any cache
  CACHE_REUSED  // the input was just read; the output is the same as before, after one untimed call
};

// How many passes a call has at most; config.yaml's schema says the same.
enum { MAX_PASSES = 4 };

// What a call runs: its passes, one after the other, and what the first of them starts from. Its `blocks` has block_floats(n)
// floats for each thread, one after the other.
struct algorithm {
  const struct kernel *passes[MAX_PASSES];
  size_t pass_count;
  struct carry initial;
};

// Where calls find their operands. Outputs stand `output_stride` floats apart; each call takes the next one.
struct operands {
  const float *x;
  float *outputs;
  size_t output_stride, output_count, next_output;
};

// How a sample is taken: `calls` calls, in batches of `batch` between two readings of the clock; the cache state is
// restored, untimed, before each batch. With `split` each pass is timed on its own, and the clock read between passes:
// batch must then be 1.
struct repetition {
  int cache_state;
  size_t calls, batch;
  int split;
};

// Times calls over n elements. Every call starts from algorithm->initial. Adds the nanoseconds, as the clock tells them, to
// nanoseconds[0], or with `split` those of each pass to nanoseconds[pass]. A total is negative where the clock went back.
// Denormals are flushed meanwhile.
void time_calls(const struct algorithm *algorithm, struct operands *operands, size_t n, const struct repetition *repetition,
                int64_t *nanoseconds);

// One untimed call, as time_calls makes it, but from *carry; the result of the last pass that has one is left there.
void run_untimed(const struct algorithm *algorithm, struct carry *carry, const float *x, float *y, size_t n);

// One thread's part of a sample: the processor that it is pinned to, and its n elements from element `start` of the operands
// on; and afterwards for how long it had no processor.
struct share {
  struct operands *operands;
  size_t start, n;
  int cpu;
  uint64_t missing_nanoseconds;
};

// The threads of a sample. With `joint` their shares are parts of one vector, of the same operands, and what each pass finds
// is combined; else each has operands of its own.
struct team {
  struct share *shares;
  size_t count;
  int joint;
};

// Times calls by all threads of a team at once, from the moment all are ready to the end of the slowest, in batches of one,
// whole. The caller is the first thread, already on its processor. Adds to *nanoseconds, as time_calls does; not 0 where a
// thread could not be started or pinned.
int time_threads(const struct algorithm *algorithm, const struct team *team, const struct repetition *repetition,
                 int64_t *nanoseconds);

// The floats of `blocks` for n elements: one for each block, in cache lines of their own.
size_t block_floats(size_t n);

// What a pass would have found over the whole of a vector, from what it found over its parts.
void combine(int how, struct carry *total, const struct carry *parts, size_t count);

uint64_t clock_nanoseconds(void);
// Reads the clock `count` times in a row.
void read_clock(uint64_t *readings, size_t count);

// How long `additions` dependent one-cycle integer additions take: the clock of this core, whatever the timer says; negative
// where the timer went back.
int64_t canary_clock(uint64_t additions);
// How long `multiply_adds` 8-lane FMAs in eight independent chains take, with 14 integer additions to 8 of them: a busy
// sibling shows here. Needs FMA3.
int64_t canary_throughput(uint64_t multiply_adds);

// `bytes` of zeroed, present memory at a 2 MiB boundary, in huge pages where the system has them; NULL when there is none.
void *arena_map(size_t bytes);
void arena_unmap(void *arena, size_t bytes);

// terms[i] = exp(x[i] - the largest x) in 80-bit precision; returns their compensated sum.
long double reference_terms(const float *x, size_t n, long double *terms);

// What errors that are larger, infinite or NaN are told as: wrong by any bound.
enum { LARGEST_ERROR = 1000000000 };

struct softmax_error {
  double largest, rms;  // relative, where the expected value is a normal float or y is
  double sum;           // of y, less 1
  uint64_t not_finite;
};
// How far y is from terms[i] / sum.
struct softmax_error softmax_error(const float *y, const long double *terms, long double sum, size_t n);

// Errors in bins of 1/bins_per_ulp ulp, the last of which has all larger ones and what is no number; and the largest.
struct ulps {
  uint64_t *counts;
  size_t bins;
  double bins_per_ulp, largest;
};
// Compares exp, by a kernel of exp_store, with double precision at every stride-th float from -0 down to `lowest`; adds to
// *errors.
void exp_ulps(const struct kernel *exp_store, float lowest, uint32_t stride, struct ulps *errors);
