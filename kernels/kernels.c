// The table of kernels of one ISA: every pass and bandwidth kernel, instantiated over its tuning space.
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel.h"
#include "table.h"

#define FN static inline __attribute__((always_inline))
#define EACH_FROM(i, from, n) _Pragma("GCC unroll 16") for (int i = (from); i < (n); i++)
#define EACH(i, n) EACH_FROM(i, 0, n)
#define MIN(a, b) ((size_t) (a) < (size_t) (b) ? (size_t) (a) : (size_t) (b))
// Not every pass has a use for all that each is given, though it may advance a vector that it has none for.
#define UNUSED __attribute__((unused))
#define PASS(name) \
  FN void name(UNUSED const float *x, UNUSED float *y, UNUSED struct carry *carry, size_t n, int U, UNUSED int K)
enum { MAX_U = 12 };
// In an object of its own one of these is 1, and its kernels are another form of the passes that take exp: by a table, or
// with prefetches.
#ifndef TABLE
#define TABLE 0
#endif
#ifndef PREFETCH
#define PREFETCH 0
#endif
#define OTHER_FORM (TABLE || PREFETCH)

#if defined(__AVX512F__)
#include "isa/avx512f.h"
#elif defined(__AVX2__)
#include "isa/avx2.h"
#else
#include "isa/scalar.h"
#endif
#include "exp.h"
#include "passes.h"
#include "bandwidth.h"

// The tuning space. Published: reductions of 8, 9, 10 and 12 vectors with the accumulators that divide them, up to 6;
// maps of 1 to 12. Extended downwards to 1, 2 and 4 vectors, which win on AVX2 on Zen 4. Of what came after the paper
// there are a few shapes from all over the space: with all of them AVX2 takes gcc 44 s to compile, with these 28.
#ifndef REDUCTION  // a test may ask for fewer
#define REDUCTION(X, ...) \
  X(1, 1, __VA_ARGS__) X(2, 1, __VA_ARGS__) X(2, 2, __VA_ARGS__) \
  X(4, 1, __VA_ARGS__) X(4, 2, __VA_ARGS__) X(4, 4, __VA_ARGS__) \
  X(8, 1, __VA_ARGS__) X(8, 2, __VA_ARGS__) X(8, 4, __VA_ARGS__) X(9, 1, __VA_ARGS__) X(9, 3, __VA_ARGS__) \
  X(10, 1, __VA_ARGS__) X(10, 2, __VA_ARGS__) X(10, 5, __VA_ARGS__) \
  X(12, 1, __VA_ARGS__) X(12, 2, __VA_ARGS__) X(12, 3, __VA_ARGS__) X(12, 4, __VA_ARGS__) X(12, 6, __VA_ARGS__)
#define MAP(X, ...) \
  X(1, 1, __VA_ARGS__) X(2, 1, __VA_ARGS__) X(3, 1, __VA_ARGS__) X(4, 1, __VA_ARGS__) X(5, 1, __VA_ARGS__) \
  X(6, 1, __VA_ARGS__) X(7, 1, __VA_ARGS__) X(8, 1, __VA_ARGS__) X(9, 1, __VA_ARGS__) X(10, 1, __VA_ARGS__) \
  X(11, 1, __VA_ARGS__) X(12, 1, __VA_ARGS__)
#define SOME_REDUCTIONS(X, ...) \
  X(4, 1, __VA_ARGS__) X(4, 2, __VA_ARGS__) X(8, 1, __VA_ARGS__) X(8, 2, __VA_ARGS__) X(12, 2, __VA_ARGS__)
#define SOME_MAPS(X, ...) \
  X(1, 1, __VA_ARGS__) X(2, 1, __VA_ARGS__) X(4, 1, __VA_ARGS__) X(8, 1, __VA_ARGS__) X(12, 1, __VA_ARGS__)
#else
#define SOME_REDUCTIONS REDUCTION
#define SOME_MAPS MAP
#endif
#define LOOPS(X, ...) X(1, 1, __VA_ARGS__) X(4, 1, __VA_ARGS__) X(2, 2, __VA_ARGS__) X(4, 2, __VA_ARGS__)

// What a pass is: of a softmax, in which |x[i]| is bounded, or a loop that moves data; and whether it is in the paper, came
// later, or is a loop of ours that belongs to no algorithm.
#define SOFTMAX .computes = 1, .domain = EXP_DOMAIN
#define LOOP .computes = 0
#define PAPER .origin = OTHER_FORM ? "later" : "paper"  // it takes exp by a polynomial, and prefetches nothing
#define LATER .origin = "later"
#define OURS .origin = "ours"
#define PAST_CACHES .non_temporal = 1
// Declared is what memory moves: what a pass by blocks reads of a block again it finds in L1.
//             space   name         X reads, Y reads, Y writes  needs and finds       what it is
#define EXP_PASSES(X, REDUCTIONS, MAPS) \
  REDUCTIONS(X, exp_sum,             1, 0, 0, COMBINE_MAX,      COMBINE_SUM,      SOFTMAX, PAPER) \
  REDUCTIONS(X, exp_store,           1, 0, 1, COMBINE_MAX,      COMBINE_SUM,      SOFTMAX, PAPER) \
  MAPS(X,       exp_scale,           1, 0, 1, COMBINE_SUM,      COMBINE_NONE,     SOFTMAX, PAPER) \
  REDUCTIONS(X, ext_sum,             1, 0, 0, COMBINE_NONE,     COMBINE_EXTENDED, SOFTMAX, PAPER) \
  MAPS(X,       ext_scale,           1, 0, 1, COMBINE_EXTENDED, COMBINE_NONE,     SOFTMAX, PAPER)
#define PAPERS_PASSES(X) \
  REDUCTION(X,  max,                 1, 0, 0, COMBINE_NONE,     COMBINE_MAX,      SOFTMAX, PAPER) \
  MAP(X,        scale,               0, 1, 1, COMBINE_SUM,      COMBINE_NONE,     SOFTMAX, PAPER) \
  EXP_PASSES(X, REDUCTION, MAP)
#define PASSES_PAST_CACHES(X) \
  SOME_MAPS(X,  exp_scale_nt,        1, 0, 1, COMBINE_SUM,      COMBINE_NONE,     SOFTMAX, LATER, PAST_CACHES) \
  SOME_MAPS(X,  ext_scale_nt,        1, 0, 1, COMBINE_EXTENDED, COMBINE_NONE,     SOFTMAX, LATER, PAST_CACHES)
#if TABLE
#define SUFFIX "_table"
#elif PREFETCH
#define SUFFIX "_prefetch"
#else
#define SUFFIX
#endif
#if OTHER_FORM
#define KERNELS(X) \
  EXP_PASSES(X, SOME_REDUCTIONS, SOME_MAPS) \
  PASSES_PAST_CACHES(X)
#else
#ifdef MOVED  // a copy at other addresses, of the first rows only
#define KERNELS(X) PAPERS_PASSES(X)
#else
#define KERNELS(X) \
  PAPERS_PASSES(X) \
  PASSES_PAST_CACHES(X) \
  SOME_REDUCTIONS(X, block_sum,      1, 0, 0, COMBINE_NONE,     COMBINE_SUM,      SOFTMAX, LATER) \
  SOME_REDUCTIONS(X, held_sum,       1, 0, 0, COMBINE_NONE,     COMBINE_SUM,      SOFTMAX, LATER) \
  SOME_REDUCTIONS(X, block_store,    1, 0, 1, COMBINE_NONE,     COMBINE_BLOCKS,   SOFTMAX, LATER) \
  SOME_MAPS(X,  block_scale,         0, 1, 1, COMBINE_BLOCKS,   COMBINE_NONE,     SOFTMAX, LATER) \
  REDUCTION(X,  exp_sum_lanes,       1, 0, 0, COMBINE_MAX,      COMBINE_SUM,      SOFTMAX, PAPER, .twin_of = "exp_sum") \
  REDUCTION(X,  exp_store_lanes,     1, 0, 1, COMBINE_MAX,      COMBINE_SUM,      SOFTMAX, PAPER, .twin_of = "exp_store") \
  REDUCTION(X,  ext_sum_lanes,       1, 0, 0, COMBINE_NONE,     COMBINE_EXTENDED, SOFTMAX, PAPER, .twin_of = "ext_sum") \
  LOOPS(X,      load,                1, 0, 0, COMBINE_NONE,     COMBINE_NONE,     LOOP, OURS) \
  LOOPS(X,      store,               0, 0, 1, COMBINE_NONE,     COMBINE_NONE,     LOOP, OURS) \
  LOOPS(X,      copy,                1, 0, 1, COMBINE_NONE,     COMBINE_NONE,     LOOP, OURS) \
  LOOPS(X,      copy_nt,             1, 0, 1, COMBINE_NONE,     COMBINE_NONE,     LOOP, OURS, PAST_CACHES) \
  LOOPS(X,      update,              0, 1, 1, COMBINE_NONE,     COMBINE_NONE,     LOOP, OURS)
#endif
#endif

#define INSTANCE(unroll, acc, name, ...) \
  static void name##_u##unroll##k##acc(const float *x, float *y, struct carry *carry, size_t n) { \
    name(x, y, carry, n, unroll, acc); \
  }
#define ROW(unroll, acc, name, ...) \
  { #name SUFFIX, unroll, acc, __VA_ARGS__, .form_of = OTHER_FORM ? #name : NULL, .run = name##_u##unroll##k##acc },
KERNELS(INSTANCE)
const struct kernel kernels[] = { KERNELS(ROW) };
const int kernel_count = sizeof kernels / sizeof *kernels;
const int lanes = LANES;
