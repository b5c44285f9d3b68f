// What the timed loops of one and of several threads share.
#include "x86_64/core.h"

// Adds what passed between two readings. A clock that went back makes the total negative for good: among many calls nobody
// would see one that seems to take less than it did.
static inline void add_time(int64_t *total, uint64_t start, uint64_t end) {
  if ((int64_t) (end - start) < 0)
    *total = INT64_MIN;
  else if (*total >= 0)
    *total += (int64_t) (end - start);
}

static inline float *output(const struct operands *o) { return o->outputs + o->next_output * o->output_stride; }

static inline void advance(struct operands *o) { o->next_output = (o->next_output + 1) % o->output_count; }

static inline void run_passes(const struct algorithm *a, struct carry *carry, const float *x, float *y, size_t n) {
  for (size_t p = 0; p < a->pass_count; p++) a->passes[p]->run(x, y, carry, n);
}

// Whether every call writes where the one before did; else outputs rotate.
static inline int output_stays(int cache_state) { return cache_state == CACHE_WARM || cache_state == CACHE_REUSED; }

// Brings about what holds before `batch` calls.
void restore(int cache_state, const struct operands *o, size_t n, size_t batch);
