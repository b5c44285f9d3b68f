// Simulates a hierarchy of write-back, write-allocate caches that replace the least recently used line of a set, and counts
// the lines that move between its levels. A line is named by its address / 64 (below 2^31), its set is that modulo the
// number of sets. cffi reads this file too, so it has no preprocessor lines.

enum { MAX_LEVELS = 3 };

// How a level is filled, towards the level above it (the one nearer to the core).
enum inclusion {
  ON_THE_WAY,  // by every line that is fetched through it; what it evicts may stay above
  INCLUSIVE,   // likewise, but what it evicts leaves the levels above too
  VICTIM       // by what the level above evicts, clean or dirty; a hit moves the line up. Only the last level may be one.
};

struct level {
  uint32_t sets, ways;
  int inclusion;
};

enum access {
  LOAD,
  STORE,
  STORE_NT  // non-temporal: of a whole line, past all caches; a cached copy is dropped
};

// Lines moved over each boundary: the first is that below L1, the last in use that to memory. What skips a victim cache is
// counted at the boundary that it left.
struct traffic {
  uint64_t loaded[MAX_LEVELS];     // upwards, because of a load
  uint64_t allocated[MAX_LEVELS];  // upwards, because of a store (read for ownership)
  uint64_t clean[MAX_LEVELS];      // downwards, unchanged, into a victim cache
  uint64_t dirty[MAX_LEVELS];      // downwards, written back
  uint64_t non_temporal;           // from the core to memory
};

struct hierarchy;

// Empty caches, the first being L1. NULL where there is no memory for them.
struct hierarchy *hierarchy_new(const struct level *levels, int count);
void hierarchy_free(struct hierarchy *hierarchy);

// One access; adds what moves to *traffic.
void hierarchy_access(struct hierarchy *hierarchy, uint32_t line, int access, struct traffic *traffic);

// One pass over `lines` lines of X and of Y from the first ones on: of each line it loads X, loads Y and stores Y as often
// as declared (0 or 1); `store` is the kind of store.
void hierarchy_pass(struct hierarchy *hierarchy, uint32_t first_x, uint32_t first_y, uint32_t lines, int reads_x,
                    int reads_y, int writes_y, int store, struct traffic *traffic);
