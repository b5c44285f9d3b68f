#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "kernel.h"
#include "host/host.h"
#include "host/timed_loop.h"

// CLOCK_MONOTONIC_RAW: no clock discipline bends it within a run.
uint64_t clock_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

size_t block_floats(size_t n) {
  size_t line = LINE / sizeof(float), blocks = (n + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS;
  return (blocks + line - 1) / line * line;
}

void read_clock(uint64_t *readings, size_t count) {
  for (size_t i = 0; i < count; i++) readings[i] = clock_nanoseconds();
}

static void read_all(const float *x, size_t n) {
  const char *bytes = (const char *) x;
  for (size_t i = 0; i < n * sizeof *x; i += LINE) __asm__ volatile("" : : "r"(bytes[i]));
}

void restore(int cache_state, const struct operands *o, size_t n, size_t batch) {
  if (cache_state == CACHE_PAPER || cache_state == CACHE_REUSED) read_all(o->x, n);
  if (cache_state != CACHE_COLD) return;
  evict(o->x, n * sizeof(float));
  for (struct operands ahead = *o; batch; batch--, advance(&ahead)) evict(output(&ahead), n * sizeof(float));
  wait_for_evictions();
}

void run_untimed(const struct algorithm *algorithm, struct carry *carry, const float *x, float *y, size_t n) {
  unsigned before = flush_denormals();
  run_passes(algorithm, carry, x, y, n);
  restore_denormals(before);
}

static void time_batch(const struct algorithm *a, struct operands *o, size_t n, const struct repetition *how,
                       int64_t *nanoseconds) {
  int moves = !output_stays(how->cache_state);
  size_t batch = how->batch;
  uint64_t start = clock_nanoseconds();
  for (; batch; batch--) {
    struct carry carry = a->initial;
    run_passes(a, &carry, o->x, output(o), n);
    if (moves) advance(o);
  }
  add_time(nanoseconds, start, clock_nanoseconds());
}

static void time_split(const struct algorithm *a, struct operands *o, size_t n, const struct repetition *how,
                       int64_t *nanoseconds) {
  struct carry carry = a->initial;
  uint64_t at[MAX_PASSES + 1];
  at[0] = clock_nanoseconds();
  for (size_t p = 0; p < a->pass_count; p++) {
    a->passes[p]->run(o->x, output(o), &carry, n);
    at[p + 1] = clock_nanoseconds();
  }
  for (size_t p = 0; p < a->pass_count; p++) add_time(&nanoseconds[p], at[p], at[p + 1]);
  if (!output_stays(how->cache_state)) advance(o);
}

void time_calls(const struct algorithm *algorithm, struct operands *operands, size_t n, const struct repetition *repetition,
                int64_t *nanoseconds) {
  struct repetition how = *repetition;
  unsigned before = flush_denormals();
  if (output_stays(how.cache_state)) {
    struct carry carry = algorithm->initial;
    run_passes(algorithm, &carry, operands->x, output(operands), n);
  }
  for (; how.calls; how.calls -= how.batch) {
    if (how.batch > how.calls) how.batch = how.calls;
    restore(how.cache_state, operands, n, how.batch);
    if (how.split)
      time_split(algorithm, operands, n, &how, nanoseconds);
    else
      time_batch(algorithm, operands, n, &how, nanoseconds);
  }
  restore_denormals(before);
}
