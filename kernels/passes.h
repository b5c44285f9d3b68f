// Every pass of the softmax algorithms, the paper's and later ones, written once over the vector type of one ISA. U, the
// vectors per iteration, and K, the accumulators that divide them, are constants wherever a pass is instantiated. All run with
// denormals flushed.
//
// Domain: |x[i]| ≤ EXP_DOMAIN. Beyond it nothing is read or written out of bounds, and every y[i] is right to 1e-5, or every
// y[i] is NaN:
// - where an x[i] is NaN or +∞, or all are -∞; in Two-Pass also where the largest x[i] is beyond ±1.45e6, since exponents
//   are counted to ±2^21 (with exp by a table 1.8e5 and 2^18, in avx512f 9.0e4 and 2^17);
// - where an x[i] is so far below the largest that exp's polynomial overflows: some 1e15 and more (by a table 1e20). Those
//   between, as masks are, are 0. avx512f is right again from 2.4e38 below to -∞, since VSCALEFPS scales even a NaN by 2^-∞
//   to 0.
// No loop has an operation for this. (A maximum that clamps x would make -∞ right; interleaved with the loop without, AVX2's
// exp_sum on Zen 3 takes 5 % longer, the others 0.5 to 5 %.) vf_exp2 compares exponents before it subtracts them, and the
// last pass looks at the sum and the exponent that it is given.
//
// A sum of equal or ordered terms rounds the same way at every addition, and lane accumulators of a long vector lose
// three digits (1e-3 at 64M). So a term meets at most ADDITIONS float additions before its lane is folded into a double:
// at worst ADDITIONS·2^-24 = 1.9e-6 relative, whatever the input and its length. (Interleaved with a loop that never
// folds, AVX2's ext_sum on Zen 4 takes 1.9 % longer, with 24 additions 2.6 %.)
enum { ADDITIONS = 32 };
#define EXP_DOMAIN (LOWEST_EXPONENT < -(1 << 17) ? 100000.0f : 90000.0f)

// Iterations between folds: at most U/K additions to sum a group, one each for its accumulator, K to merge the accumulators.
// Without folds, as published: all of them.
FN size_t iterations_per_fold(int U, int K, bool folds) { return folds ? (size_t) (ADDITIONS - U / K - K + 1) : SIZE_MAX; }

// a block of whole iterations, at most as many as may pass between two folds
#define BLOCKS(n, U, K, folds) \
  for (size_t block; (block = (n) / (size_t) ((U) * LANES)) && (block = MIN(block, iterations_per_fold(U, K, folds)));)
#define ITERATIONS for (; block; block--, n -= (size_t) (U * LANES), x += U * LANES, y += U * LANES)
#define WHOLE_ITERATIONS for (; n >= (size_t) (U * LANES); n -= (size_t) (U * LANES), x += U * LANES, y += U * LANES)
#define REST for (size_t m; (m = MIN(n, LANES)); n -= m, x += m, y += m)
// The elements before the first address that a store past the caches can have: it wants vectors aligned.
#define HEAD for (size_t m = MIN(n, -((uintptr_t) y / sizeof *y) % LANES); m; n -= m, x += m, y += m, m = 0)

// Stores a vector; past the caches only where y is aligned to one.
FN void put(float *y, vf v, bool past_caches) {
  if (past_caches) vf_stream(y, v);
  else vf_store(y, v);
}

// Bytes between what a pass loads and what it prefetches, and those of a line. The hardware's own prefetches end at each page
// of 4 KiB, and come late where memory answers slowly. (Two-Pass past the caches, AVX2 on a Zen 3 with loud neighbours, 16.8M
// elements, interleaved: without 1.15 ns per element, 1 KiB ahead 1.01, 2 KiB 0.89, 3 KiB 0.90; the loops of its traffic take
// 0.87. Prefetches into L2 only, or past it, were no better.)
enum { AHEAD = 2048, LINE = 64 };
#ifdef __clang__  // it keeps the loop otherwise
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

// Loads the vectors of an iteration; with prefetches it asks for the lines of a later one as well, maybe beyond the end of x.
FN void load_vectors(vf *v, const float *x, int U) {
  if (PREFETCH) {
    UNROLLED for (int line = 0; line < U * (int) sizeof(vf); line += LINE) prefetch((const char *) x + AHEAD + line);
  }
  EACH(j, U) v[j] = vf_load(x + j * LANES);
}

// sum[k] = Σ v[j] over j ≡ k mod K, and more behind those: the group's terms meet each other before the accumulator, which
// then waits for one addition per iteration instead of U/K. They meet in pairs: one after the other costs gcc's AVX2
// exp_store of 8 vectors 2.5 % on Zen 3 (interleaved with a loop that never folds), in pairs 0.3 % ± 1.
FN void sum_groups(vf *sum, const vf *v, int U, int K) {
  EACH(j, U) sum[j] = v[j];
  _Pragma("GCC unroll 4") for (int step = K; step < U; step *= 2)
    EACH(j, U - step) if (j / K % (2 * step / K) == 0) sum[j] += sum[j + step];
}

// acc[k] += Σ a[j] over j ≡ k mod K, in extended range. The accumulator is rescaled before the group is summed: one
// addition more than scaling it last, and yet gcc's AVX2 loop then spills less (6.08 against 6.33 cycles per vector, interleaved).
FN void ext_accumulate(ext *acc, const ext *a, int U, int K) {
  ve e[MAX_U];
  vf sum[MAX_U];
  EACH(k, K) e[k] = a[k].e;
  EACH_FROM(j, K, U) e[j % K] = ve_max(e[j % K], a[j].e);
  EACH(k, K) e[k] = ve_max(ve_integral(e[k]), acc[k].e);
  EACH(k, K) sum[k] = vf_scale(a[k].m, a[k].e, e[k]);
  EACH(k, K) acc[k] = (ext) { vf_scale(acc[k].m, acc[k].e, e[k]), e[k] };
  EACH_FROM(j, K, U) sum[j % K] = vf_scale_add(a[j].m, a[j].e, e[j % K], sum[j % K]);
  EACH(k, K) acc[k].m += sum[k];
}

typedef struct { wide m; ve e; } ext_wide;

// total += acc, lane by lane, and acc starts again from 0 at the same exponent, so the next total->e is no less than this.
FN void ext_fold(ext_wide *total, ext *acc) {
  total->m = wide_fma(total->m, vf_exp2(total->e, acc->e), acc->m);
  total->e = acc->e;
  acc->m = vf_set(0);
}

FN void ext_sum_pass(const float *x, UNUSED float *y, struct carry *carry, size_t n, int U, int K, bool folds) {
  vf v[MAX_U];
  ext acc[MAX_U], a[MAX_U];
  ext_wide total = { wide_zero(), ve_set(LOWEST_EXPONENT) };
  EACH(k, K) acc[k] = EXT_ZERO;
  BLOCKS(n, U, K, folds) {
    ITERATIONS {
      load_vectors(v, x, U);
      ext_exp(a, v, U);
      if (folds) ext_accumulate(acc, a, U, K);
      else EACH(j, U) ext_accumulate(acc + j % K, a + j, 1, 1);
    }
    if (K > 1) ext_accumulate(acc, acc + 1, K - 1, 1);
    EACH_FROM(k, 1, K) acc[k].m = vf_set(0);
    ext_fold(&total, acc);
  }
  REST {
    v[0] = vf_load_first(x, m);
    ext_exp(a, v, 1);
    a[0] = (ext) { vf_keep_first(m, a[0].m, vf_set(0)), ve_keep_first(m, a[0].e, ve_set(LOWEST_EXPONENT)) };
    ext_accumulate(acc, a, 1, 1);
  }
  ext_fold(&total, acc);
  carry->reference = ve_hmax(total.e);
  carry->sum = wide_hsum(wide_fma(total.m, vf_exp2(total.e, ve_set(carry->reference)), vf_set(0)));
}

// Two-Pass 1: the sum of exp(x[i]) in extended range.
PASS(ext_sum) { ext_sum_pass(x, y, carry, n, U, K, true); }

// The same accumulated as published, each term in a float lane to the end: for comparison.
PASS(ext_sum_lanes) { ext_sum_pass(x, y, carry, n, U, K, false); }

// 1 / sum. NaN where the passes before found none, so that every y[i] is.
FN double inverse(const struct carry *carry) {
  return carry->sum > 0 && carry->sum <= DBL_MAX ? 1 / carry->sum : (double) __builtin_nanf("");
}
FN float factor(const struct carry *carry) { return (float) inverse(carry); }

// The same for Two-Pass, which has no result where its largest exponent is none that ve can count in.
FN float ext_factor(const struct carry *carry) {
  bool counts = carry->reference > LOWEST_EXPONENT && carry->reference < -LOWEST_EXPONENT;
  return counts ? factor(carry) : __builtin_nanf("");
}

// y[i] = exp(x[i]) / (sum·2^reference) for the first m elements, one vector at most, by r = 1/sum.
FN void ext_scale_first(const float *x, float *y, size_t m, vf r, ve reference) {
  vf v = vf_load_first(x, m);
  ext a;
  ext_exp(&a, &v, 1);
  vf_store_first(y, m, vf_scale(a.m * r, a.e, reference));
}

FN void ext_scale_pass(const float *x, float *y, const struct carry *carry, size_t n, int U, bool past_caches) {
  float f = ext_factor(carry);
  vf v[MAX_U], r = vf_set(f);
  // Without a result the exponent is NaN too: VSCALEFPS scales NaN by 2^-∞ to 0, but by 2^NaN to NaN.
  ve e = ve_set(f == f ? carry->reference : f);
  ext a[MAX_U];
  if (past_caches) HEAD ext_scale_first(x, y, m, r, e);
  WHOLE_ITERATIONS {
    load_vectors(v, x, U);
    ext_exp(a, v, U);
    EACH(j, U) put(y + j * LANES, vf_scale(a[j].m * r, a[j].e, e), past_caches);
  }
  REST ext_scale_first(x, y, m, r, e);
  if (past_caches) stream_fence();
}

// Two-Pass 2: y[i] = exp(x[i]) / sum.
PASS(ext_scale) { ext_scale_pass(x, y, carry, n, U, false); }

// The same past the caches.
PASS(ext_scale_nt) { ext_scale_pass(x, y, carry, n, U, true); }

// Three-Pass 1: the largest x[i].
PASS(max) {
  vf acc[MAX_U];
  EACH(k, K) acc[k] = vf_set(-FLT_MAX);
  WHOLE_ITERATIONS EACH(j, U) acc[j % K] = vf_max(acc[j % K], vf_load(x + j * LANES));
  REST acc[0] = vf_max(acc[0], vf_keep_first(m, vf_load_first(x, m), acc[0]));
  EACH(k, K) acc[0] = vf_max(acc[0], acc[k]);
  carry->reference = vf_hmax(acc[0]);
}

// v[j] = exp(v[j] - max). The difference is rounded: up to |v[j] - max|·2^-24 in the result.
FN void exp_minus(vf *v, vf max, int U) {
  ext a[MAX_U];
  EACH(j, U) v[j] = v[j] - max;
  ext_exp(a, v, U);
  EACH(j, U) v[j] = vf_scale(a[j].m, a[j].e, ve_set(0));
}

// `largest`, if it is given, is raised to the x[i] on the way, in K vectors.
FN void exp_sum_pass(const float *x, float *y, struct carry *carry, size_t n, int U, int K, bool store, bool folds, vf *largest) {
  vf v[MAX_U], acc[MAX_U], sum[MAX_U], max = vf_set(carry->reference);
  wide total = wide_zero();
  BLOCKS(n, U, K, folds) {
    EACH(k, K) acc[k] = vf_set(0);
    ITERATIONS {
      load_vectors(v, x, U);
      if (largest) EACH(j, U) largest[j % K] = vf_max(largest[j % K], v[j]);
      exp_minus(v, max, U);
      if (store) EACH(j, U) vf_store(y + j * LANES, v[j]);
      if (folds) {
        sum_groups(sum, v, U, K);
        EACH(k, K) acc[k] += sum[k];
      } else
        EACH(j, U) acc[j % K] += v[j];
    }
    EACH_FROM(k, 1, K) acc[0] += acc[k];
    total = wide_fma(total, vf_set(1), acc[0]);
  }
  acc[0] = vf_set(0);
  REST {
    v[0] = vf_load_first(x, m);
    if (largest) largest[0] = vf_max(largest[0], vf_keep_first(m, v[0], largest[0]));
    exp_minus(v, max, 1);
    if (store) vf_store_first(y, m, v[0]);
    acc[0] += vf_keep_first(m, v[0], vf_set(0));
  }
  carry->sum = wide_hsum(wide_fma(total, vf_set(1), acc[0]));
}

// Three-Pass 2, recomputing: the sum of exp(x[i] - max).
PASS(exp_sum) { exp_sum_pass(x, y, carry, n, U, K, false, true, NULL); }
PASS(exp_sum_lanes) { exp_sum_pass(x, y, carry, n, U, K, false, false, NULL); }

// Three-Pass 2, reloading: the same, leaving exp(x[i] - max) in y[i].
PASS(exp_store) { exp_sum_pass(x, y, carry, n, U, K, true, true, NULL); }
PASS(exp_store_lanes) { exp_sum_pass(x, y, carry, n, U, K, true, false, NULL); }

// y[i] = exp(x[i] - max)·r for the first m elements, one vector at most.
FN void exp_scale_first(const float *x, float *y, size_t m, vf r, vf max) {
  vf v = vf_load_first(x, m);
  exp_minus(&v, max, 1);
  vf_store_first(y, m, v * r);
}

FN void exp_scale_pass(const float *x, float *y, const struct carry *carry, size_t n, int U, bool past_caches) {
  vf v[MAX_U], r = vf_set(factor(carry)), max = vf_set(carry->reference);
  if (past_caches) HEAD exp_scale_first(x, y, m, r, max);
  WHOLE_ITERATIONS {
    load_vectors(v, x, U);
    exp_minus(v, max, U);
    EACH(j, U) put(y + j * LANES, v[j] * r, past_caches);
  }
  REST exp_scale_first(x, y, m, r, max);
  if (past_caches) stream_fence();
}

// Three-Pass 3, recomputing: y[i] = exp(x[i] - max) / sum.
PASS(exp_scale) { exp_scale_pass(x, y, carry, n, U, false); }

// The same past the caches.
PASS(exp_scale_nt) { exp_scale_pass(x, y, carry, n, U, true); }

// y[i] = y[i]·f
FN void scale_pass(float *y, size_t n, int U, float f) {
  UNUSED const float *x = y;
  vf r = vf_set(f);
  WHOLE_ITERATIONS EACH(j, U) vf_store(y + j * LANES, vf_load(y + j * LANES) * r);
  REST vf_store_first(y, m, vf_load_first(y, m) * r);
}

// Three-Pass 3, reloading: y[i] = y[i] / sum.
PASS(scale) { scale_pass(y, n, U, factor(carry)); }

// What came after the paper: one pass over memory finds both maximum and sum. It goes over x by blocks that stay in L1. What
// has been summed refers to the largest x so far, and is rescaled where a block has a larger one (online softmax, Milakov
// and Gimelshein 2018, in the form that attention kernels use).
//
// Beyond the domain all that is said above holds, but that not every y[i] need be NaN where some are: an element can be seen
// while the reference is still near to it, and be too far below the last one for exp's polynomial.
#define EACH_BLOCK for (size_t m; (m = MIN(n, BLOCK_ELEMENTS)); n -= m, x += m, y += m)

// exp(from - to), from ≤ to, in double: a long vector may rescale its sum at every block. NaN where exp_minus has none.
FN double exp_between(float from, float to) {
  vf v = vf_set(from);
  exp_minus(&v, vf_set(to), 1);
  float told = vf_hmax(v);
  return told == told ? exp((double) from - (double) to) : (double) told;
}

// Makes a sum refer to a larger x.
FN void refer_to(struct carry *total, float reference) {
  if (total->sum != 0) total->sum *= exp_between(total->reference, reference);
  total->reference = reference;
}

FN float largest_of_block(const float *x, float *y, size_t m) {
  struct carry found = { 0 };
  max(x, y, &found, m, 8, 4);
  return found.reference;
}

FN void block_pass(const float *x, float *y, struct carry *carry, size_t n, int U, int K, bool store) {
  struct carry total = { 0, -FLT_MAX, carry->blocks };
  float *block = carry->blocks;
  EACH_BLOCK {
    float largest = largest_of_block(x, y, m);
    if (largest > total.reference) refer_to(&total, largest);
    struct carry part = { 0, total.reference, NULL };
    if (store) *block++ = total.reference;
    exp_sum_pass(x, y, &part, m, U, K, store, true, NULL);
    total.sum += part.sum;
  }
  *carry = total;
}

// Online 1: the largest x[i] and the sum of exp(x[i] - it).
PASS(block_sum) { block_pass(x, y, carry, n, U, K, false); }

// Reloading by blocks 1: the same, leaving in y[i] exp(x[i] - the largest so far), which `blocks` has for each block.
PASS(block_store) { block_pass(x, y, carry, n, U, K, true); }

// Reloading by blocks 2: y[i] = y[i]·exp(what it refers to - the largest x) / sum.
PASS(block_scale) {
  const float *block = carry->blocks;
  float last = carry->reference, f = factor(carry);
  EACH_BLOCK {
    float reference = *block++;
    if (reference != last) f = (float) (inverse(carry) * exp_between(reference, carry->reference));
    last = reference;
    scale_pass(y, m, U, f);
  }
}

// How far above its reference an x may be for a sum to hold it: x - reference is then rounded by 2^-21 at most, and neither
// exp nor a sum of 2^64 of them overflows.
enum { HELD = 16 };

// Unified maximum 1: the sum of exp(x[i] - reference), where the reference is guessed and held: the largest x of the first
// block. So the sum is 1 at least, and only what is far above can do harm. It is seen on the way, as no maximum is looked for
// beforehand; the block is then summed again with its own largest x as the reference. (FlashDecoding++ has a constant for the
// reference, which must be known of the model, and begins the whole row again.)
PASS(held_sum) {
  struct carry total = { 0, largest_of_block(x, y, MIN(n, BLOCK_ELEMENTS)), carry->blocks };
  vf largest[MAX_U];
  EACH_BLOCK for (bool again = true; again;) {
    struct carry part = { 0, total.reference, NULL };
    EACH(k, K) largest[k] = vf_set(-FLT_MAX);
    exp_sum_pass(x, y, &part, m, U, K, false, true, largest);
    EACH_FROM(k, 1, K) largest[0] = vf_max(largest[0], largest[k]);
    float found = vf_hmax(largest[0]);
    again = found > total.reference + HELD;
    if (again) refer_to(&total, found);
    else total.sum += part.sum;
  }
  *carry = total;
}
