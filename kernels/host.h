// What every ISA's kernels share: the timed loop, the clock, the canary, the arena, CPUID. Compiled for any x86-64, so that
// it runs on a processor that lacks the ISAs. cffi reads this file too, so it has no preprocessor lines.

// What holds before each timed batch of calls.
enum cache_state {
  CACHE_WARM,   // the same operands as before, after one untimed call
  CACHE_PAPER,  // the input was just read; the output is the one of the rotation that was written longest ago
  CACHE_COLD    // no line of input or output is in any cache
};

// Where calls find their operands. Outputs stand `output_stride` floats apart; each call takes the next one.
struct operands {
  const float *x;
  float *outputs;
  size_t output_stride, output_count, next_output;
};

// Times `calls` calls of the passes, one after the other over n elements, in batches of `batch` calls between two readings
// of the clock; the cache state is restored, untimed, before each batch. Every call starts from *initial. Adds the
// nanoseconds, as the clock tells them, to nanoseconds[0], or with `split` those of each pass to nanoseconds[pass] (batch
// must then be 1, since the clock is read between passes). A total is negative where the clock went back. Denormals are
// flushed meanwhile.
void time_calls(const struct kernel *const *passes, size_t pass_count, const struct carry *initial,
                struct operands *operands, size_t n, int cache_state, size_t calls, size_t batch, int split,
                int64_t *nanoseconds);

// One untimed call of the passes, as time_calls makes it; the result of the last pass that has one is left in *carry.
void run_untimed(const struct kernel *const *passes, size_t pass_count, struct carry *carry, const float *x, float *y,
               size_t n);

// One thread's part of a sample: the processor that it is pinned to, its operands and their length; and afterwards for how
// long it had no processor.
struct share {
  struct operands operands;
  size_t n;
  int cpu;
  uint64_t missing_nanoseconds;
};

// Times `calls` calls by `count` threads at once, from the moment all are ready to the end of the slowest. Each runs the
// passes over its own share; with `joint` the shares are parts of one vector, and what each pass finds is combined. The
// caller is the first thread, already on its processor. Adds to *nanoseconds, as time_calls does; not 0 where a thread could
// not be started or pinned.
int time_threads(const struct kernel *const *passes, size_t pass_count, const struct carry *initial, struct share *shares,
                 size_t count, int cache_state, size_t calls, int joint, int64_t *nanoseconds);

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

// Compares exp, by a kernel of exp_store, with double precision at every stride-th float from -0 down to `lowest`: adds to
// counts[bin] of errors in bins of 1/bins_per_ulp ulp, the last of which has all larger ones and what is no number; raises
// *worst to the largest.
void exp_ulps(const struct kernel *exp_store, float lowest, uint32_t stride, size_t bins, double bins_per_ulp,
              uint64_t *counts, double *worst);

// eax, ebx, ecx, edx of one CPUID leaf; zeros for a leaf beyond the processor's last.
void cpuid_leaf(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]);
// How long `calls` CPUIDs take: a hypervisor has to be asked for each.
uint64_t canary_cpuid(uint64_t calls);
// XCR0, the register state that the operating system saves; 0 without OSXSAVE.
uint64_t extended_states(void);
