#include <pmmintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "kernel.h"
#include "host.h"
#include "timed_loop.h"

enum { LINE = 64, MAX_PASSES = 4 };

// CLOCK_MONOTONIC_RAW: no clock discipline bends it within a run.
uint64_t clock_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

void read_clock(uint64_t *readings, size_t count) {
  for (size_t i = 0; i < count; i++) readings[i] = clock_nanoseconds();
}

static void read_all(const float *x, size_t n) {
  const char *bytes = (const char *) x;
  for (size_t i = 0; i < n * sizeof *x; i += LINE) __asm__ volatile("" : : "r"(bytes[i]));
}

static void evict(const void *start, size_t bytes) {
  const char *p = (const char *) start;
  for (size_t i = 0; i < bytes; i += LINE) _mm_clflush(p + i);
  if (bytes) _mm_clflush(p + bytes - 1);
}

void restore(int cache_state, const struct operands *o, size_t n, size_t batch) {
  if (cache_state == CACHE_PAPER) read_all(o->x, n);
  if (cache_state != CACHE_COLD) return;
  evict(o->x, n * sizeof(float));
  for (struct operands ahead = *o; batch; batch--, advance(&ahead)) evict(output(&ahead), n * sizeof(float));
  _mm_mfence();
}

void run_untimed(const struct kernel *const *passes, size_t pass_count, struct carry *carry, const float *x, float *y,
               size_t n) {
  unsigned before = flush_denormals();
  run_passes(passes, pass_count, carry, x, y, n);
  _mm_setcsr(before);
}

static void time_batch(const struct kernel *const *passes, size_t pass_count, const struct carry *initial,
                           struct operands *o, size_t n, int moves, size_t batch, int64_t *nanoseconds) {
  uint64_t start = clock_nanoseconds();
  for (; batch; batch--) {
    struct carry carry = *initial;
    run_passes(passes, pass_count, &carry, o->x, output(o), n);
    if (moves) advance(o);
  }
  add_time(nanoseconds, start, clock_nanoseconds());
}

static void time_split(const struct kernel *const *passes, size_t pass_count, const struct carry *initial,
                       struct operands *o, size_t n, int moves, int64_t *nanoseconds) {
  struct carry carry = *initial;
  uint64_t at[MAX_PASSES + 1];
  at[0] = clock_nanoseconds();
  for (size_t p = 0; p < pass_count; p++) {
    passes[p]->run(o->x, output(o), &carry, n);
    at[p + 1] = clock_nanoseconds();
  }
  for (size_t p = 0; p < pass_count; p++) add_time(&nanoseconds[p], at[p], at[p + 1]);
  if (moves) advance(o);
}

void time_calls(const struct kernel *const *passes, size_t pass_count, const struct carry *initial,
                struct operands *operands, size_t n, int cache_state, size_t calls, size_t batch, int split,
                int64_t *nanoseconds) {
  unsigned before = flush_denormals();
  int moves = cache_state != CACHE_WARM;
  if (!moves) {
    struct carry carry = *initial;
    run_passes(passes, pass_count, &carry, operands->x, output(operands), n);
  }
  for (; calls; calls -= batch) {
    if (batch > calls) batch = calls;
    restore(cache_state, operands, n, batch);
    if (split)
      time_split(passes, pass_count, initial, operands, n, moves, nanoseconds);
    else
      time_batch(passes, pass_count, initial, operands, n, moves, batch, nanoseconds);
  }
  _mm_setcsr(before);
}
