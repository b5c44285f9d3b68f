// The timed loop of several threads: each on a processor of its own, with operands of its own, or all on parts of one vector.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "kernel.h"
#include "host.h"
#include "timed_loop.h"

enum { MOST_THREADS = 1024 };

// What the threads of one sample share.
struct team {
  const struct kernel *const *passes;
  size_t pass_count;
  const struct carry *initial;
  struct share *shares;
  size_t count, calls;
  int cache_state, joint;
  atomic_size_t arrived;
  atomic_uint phase;
  atomic_int failed;
  uint64_t starts[MOST_THREADS], ends[MOST_THREADS];
  int64_t nanoseconds;
  // By parity of the pass: who is ahead writes the other half while others still read this one.
  struct carry carries[2][MOST_THREADS];
};

struct member {
  struct team *team;
  size_t index;
};

// Waits, without giving up the processor, until all threads are here.
static void meet(struct team *t) {
  unsigned phase = atomic_load(&t->phase);
  if (atomic_fetch_add(&t->arrived, 1) + 1 == t->count) {
    atomic_store(&t->arrived, 0);
    atomic_fetch_add(&t->phase, 1);
  } else
    while (atomic_load(&t->phase) == phase) _mm_pause();
}

// sum·2^exponent, where exponent ≤ 0; exactly 0 where that is below every double or no number.
static double scaled_down(double sum, float exponent) {
  return __builtin_ldexp(sum, exponent > -2000 ? (int) exponent : -2000);
}

void combine(int how, struct carry *total, const struct carry *parts, size_t count) {
  if (how == COMBINE_NONE) return;
  *total = parts[0];
  for (size_t i = 1; i < count; i++) {
    float above = parts[i].reference > total->reference ? parts[i].reference : total->reference;
    if (how == COMBINE_SUM) {
      total->sum += parts[i].sum;
      continue;
    }
    // Powers of two are exact: the sum over parts is rounded no more than one over the whole.
    if (how == COMBINE_EXTENDED)
      total->sum = scaled_down(total->sum, total->reference - above) + scaled_down(parts[i].sum, parts[i].reference - above);
    total->reference = above;
  }
}

static void run_parts(struct team *t, size_t index, struct carry *carry, const float *x, float *y, size_t n) {
  for (size_t p = 0; p < t->pass_count; p++) {
    struct carry *parts = t->carries[p % 2];
    t->passes[p]->run(x, y, carry, n);
    if (t->passes[p]->combine == COMBINE_NONE) continue;
    parts[index] = *carry;
    meet(t);
    combine(t->passes[p]->combine, carry, parts, t->count);
  }
}

static void call(struct team *t, size_t index) {
  struct share *s = &t->shares[index];
  struct carry carry = *t->initial;
  restore(t->cache_state, &s->operands, s->n, 1);
  meet(t);
  t->starts[index] = clock_nanoseconds();
  if (t->joint)
    run_parts(t, index, &carry, s->operands.x, output(&s->operands), s->n);
  else
    run_passes(t->passes, t->pass_count, &carry, s->operands.x, output(&s->operands), s->n);
  t->ends[index] = clock_nanoseconds();
  if (t->cache_state != CACHE_WARM) advance(&s->operands);
}

static uint64_t cpu_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static void *work(void *argument) {
  struct member *m = (struct member *) argument;
  struct team *t = m->team;
  struct share *s = &t->shares[m->index];
  meet(t);
  if (atomic_load(&t->failed)) return NULL;
  unsigned before = flush_denormals();
  int64_t behind = (int64_t) (clock_nanoseconds() - cpu_nanoseconds());
  if (t->cache_state == CACHE_WARM) call(t, m->index);
  for (size_t c = 0; c < t->calls; c++) {
    call(t, m->index);
    meet(t);
    if (m->index == 0) {
      uint64_t start = t->starts[0], end = t->ends[0];
      int64_t own = 0;
      for (size_t i = 0; i < t->count; i++) {
        add_time(&own, t->starts[i], t->ends[i]);
        if (t->starts[i] < start) start = t->starts[i];
        if (t->ends[i] > end) end = t->ends[i];
      }
      add_time(&t->nanoseconds, start, own < 0 ? start - 1 : end);
    }
    meet(t);
  }
  // The two clocks run at rates that differ by some 1e-5, so that nothing missing may come out below zero.
  behind = (int64_t) (clock_nanoseconds() - cpu_nanoseconds()) - behind;
  s->missing_nanoseconds = behind > 0 ? (uint64_t) behind : 0;
  _mm_setcsr(before);
  return NULL;
}

// Starts a thread on its processor: one that is moved there later would first wait for the caller's, who spins.
static int start(pthread_t *thread, struct member *m) {
  pthread_attr_t attributes;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t) m->team->shares[m->index].cpu, &set);
  if (pthread_attr_init(&attributes)) return 1;
  int failed = pthread_attr_setaffinity_np(&attributes, sizeof set, &set) || pthread_create(thread, &attributes, work, m);
  pthread_attr_destroy(&attributes);
  return failed;
}

int time_threads(const struct kernel *const *passes, size_t pass_count, const struct carry *initial, struct share *shares,
                 size_t count, int cache_state, size_t calls, int joint, int64_t *nanoseconds) {
  static struct team team;
  static struct member members[MOST_THREADS];
  static pthread_t threads[MOST_THREADS];
  if (!count || count > MOST_THREADS) return 1;
  team = (struct team) { .passes = passes, .pass_count = pass_count, .initial = initial, .shares = shares, .count = count,
                         .calls = calls, .cache_state = cache_state, .joint = joint, .nanoseconds = *nanoseconds };
  size_t started = 1;
  for (; started < count; started++) {
    members[started] = (struct member) { &team, started };
    if (start(&threads[started], &members[started])) break;
  }
  members[0] = (struct member) { &team, 0 };
  if (started < count) {
    // Those that wait for the missing ones are let go.
    atomic_store(&team.failed, 1);
    for (size_t i = started; i < count; i++) atomic_fetch_add(&team.arrived, 1);
    meet(&team);
  } else
    work(&members[0]);
  for (size_t i = 1; i < started; i++) pthread_join(threads[i], NULL);
  *nanoseconds = team.nanoseconds;
  return atomic_load(&team.failed);
}
