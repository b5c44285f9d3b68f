// What the timed loops ask of a core: to flush denormals, to empty its caches, to wait.
#include <pmmintrin.h>
#include <stddef.h>

enum { LINE = 64 };

// Returns what restore_denormals takes.
static inline unsigned flush_denormals(void) {
  unsigned before = _mm_getcsr();
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
  return before;
}

static inline void restore_denormals(unsigned before) { _mm_setcsr(before); }

static inline void evict(const void *start, size_t bytes) {
  const char *p = (const char *) start;
  for (size_t i = 0; i < bytes; i += LINE) _mm_clflush(p + i);
  if (bytes) _mm_clflush(p + bytes - 1);
}

// Waits until all that was evicted has left.
static inline void wait_for_evictions(void) { _mm_mfence(); }

// Leaves the core to its other thread for some cycles.
static inline void pause_core(void) { _mm_pause(); }
