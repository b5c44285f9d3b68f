// The timed loop of several threads: each on a processor of its own, with operands of its own, or all on parts of one vector.
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "kernel.h"
#include "host/host.h"
#include "host/timed_loop.h"

enum { MOST_THREADS = 1024 };

// What the threads of one sample share.
struct sample {
  const struct algorithm *algorithm;
  const struct team *team;
  const struct repetition *repetition;
  atomic_size_t arrived;
  atomic_uint phase;
  atomic_int failed;
  uint64_t starts[MOST_THREADS], ends[MOST_THREADS];
  int64_t nanoseconds;
  // By parity of the pass: who is ahead writes the other half while others still read this one.
  struct carry carries[2][MOST_THREADS];
};

struct member {
  struct sample *sample;
  size_t index;
};

// Waits, without giving up the processor, until all threads are here.
static void meet(struct sample *s) {
  unsigned phase = atomic_load(&s->phase);
  if (atomic_fetch_add(&s->arrived, 1) + 1 == s->team->count) {
    atomic_store(&s->arrived, 0);
    atomic_fetch_add(&s->phase, 1);
  } else
    while (atomic_load(&s->phase) == phase) pause_core();
}

// sum·2^exponent, where exponent ≤ 0; exactly 0 where that is below every double or no number.
static double scaled_down(double sum, float exponent) {
  return __builtin_ldexp(sum, exponent > -2000 ? (int) exponent : -2000);
}

void combine(int how, struct carry *total, const struct carry *parts, size_t count) {
  if (how == COMBINE_NONE) return;
  total->sum = parts[0].sum;
  total->reference = parts[0].reference;
  for (size_t i = 1; i < count; i++) {
    float above = parts[i].reference > total->reference ? parts[i].reference : total->reference;
    if (how == COMBINE_SUM || how == COMBINE_BLOCKS)
      total->sum = total->sum * exp((double) total->reference - (double) above) +
                   parts[i].sum * exp((double) parts[i].reference - (double) above);
    // Powers of two are exact: the sum over parts is rounded no more than one over the whole.
    if (how == COMBINE_EXTENDED)
      total->sum = scaled_down(total->sum, total->reference - above) + scaled_down(parts[i].sum, parts[i].reference - above);
    total->reference = above;
  }
}

// What the passes of a thread start from: the thread has blocks of its own.
static struct carry initial(const struct sample *s, size_t index) {
  struct carry carry = s->algorithm->initial;
  for (size_t i = 0; carry.blocks && i < index; i++) carry.blocks += block_floats(s->team->shares[i].n);
  return carry;
}

static void run_parts(struct sample *s, size_t index, struct carry carry, const struct operands *part, size_t n) {
  for (size_t p = 0; p < s->algorithm->pass_count; p++) {
    const struct kernel *pass = s->algorithm->passes[p];
    struct carry *parts = s->carries[p % 2];
    pass->run(part->x, output(part), &carry, n);
    if (pass->combine == COMBINE_NONE) continue;
    parts[index] = carry;
    meet(s);
    combine(pass->combine, &carry, parts, s->team->count);
  }
}

static void call(struct sample *s, size_t index) {
  const struct share *share = &s->team->shares[index];
  struct operands part = *share->operands;
  struct carry carry = initial(s, index);
  part.x += share->start;
  part.outputs += share->start;
  restore(s->repetition->cache_state, &part, share->n, 1);
  meet(s);
  s->starts[index] = clock_nanoseconds();
  if (s->team->joint)
    run_parts(s, index, carry, &part, share->n);
  else
    run_passes(s->algorithm, &carry, part.x, output(&part), share->n);
  s->ends[index] = clock_nanoseconds();
}

// Adds what the slowest thread took from when all were ready, and goes on to the next outputs; no thread is in a call.
static void finish_call(struct sample *s) {
  const struct team *team = s->team;
  uint64_t start = s->starts[0], end = s->ends[0];
  int64_t own = 0;
  for (size_t i = 0; i < team->count; i++) {
    add_time(&own, s->starts[i], s->ends[i]);
    if (s->starts[i] < start) start = s->starts[i];
    if (s->ends[i] > end) end = s->ends[i];
  }
  add_time(&s->nanoseconds, start, own < 0 ? start - 1 : end);
  if (output_stays(s->repetition->cache_state)) return;
  for (size_t i = 0; i < (team->joint ? 1 : team->count); i++) advance(team->shares[i].operands);
}

static uint64_t cpu_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static void *work(void *argument) {
  struct member *m = (struct member *) argument;
  struct sample *s = m->sample;
  meet(s);
  if (atomic_load(&s->failed)) return NULL;
  unsigned before = flush_denormals();
  int64_t behind = (int64_t) (clock_nanoseconds() - cpu_nanoseconds());
  if (output_stays(s->repetition->cache_state)) call(s, m->index);
  for (size_t c = 0; c < s->repetition->calls; c++) {
    call(s, m->index);
    meet(s);
    if (m->index == 0) finish_call(s);
    meet(s);
  }
  // The two clocks run at rates that differ by some 1e-5, so that nothing missing may come out below zero.
  behind = (int64_t) (clock_nanoseconds() - cpu_nanoseconds()) - behind;
  s->team->shares[m->index].missing_nanoseconds = behind > 0 ? (uint64_t) behind : 0;
  restore_denormals(before);
  return NULL;
}

// Starts a thread on its processor: one that is moved there later would first wait for the caller's, who spins.
static int start(pthread_t *thread, struct member *m) {
  pthread_attr_t attributes;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t) m->sample->team->shares[m->index].cpu, &set);
  if (pthread_attr_init(&attributes)) return 1;
  int failed = pthread_attr_setaffinity_np(&attributes, sizeof set, &set) || pthread_create(thread, &attributes, work, m);
  pthread_attr_destroy(&attributes);
  return failed;
}

int time_threads(const struct algorithm *algorithm, const struct team *team, const struct repetition *repetition,
                 int64_t *nanoseconds) {
  static struct sample sample;
  static struct member members[MOST_THREADS];
  static pthread_t threads[MOST_THREADS];
  size_t started = 1, count = team->count;
  if (!count || count > MOST_THREADS) return 1;
  sample = (struct sample) { .algorithm = algorithm, .team = team, .repetition = repetition, .nanoseconds = *nanoseconds };
  for (; started < count; started++) {
    members[started] = (struct member) { &sample, started };
    if (start(&threads[started], &members[started])) break;
  }
  members[0] = (struct member) { &sample, 0 };
  if (started < count) {
    // Those that wait for the missing ones are let go.
    atomic_store(&sample.failed, 1);
    for (size_t i = started; i < count; i++) atomic_fetch_add(&sample.arrived, 1);
    meet(&sample);
  } else
    work(&members[0]);
  for (size_t i = 1; i < started; i++) pthread_join(threads[i], NULL);
  *nanoseconds = sample.nanoseconds;
  return atomic_load(&sample.failed);
}
