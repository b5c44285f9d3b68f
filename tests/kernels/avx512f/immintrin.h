// The AVX512F intrinsics that isa/avx512f.h uses, lane by lane in plain C, as Intel's manual defines them with rounding to
// nearest: so its numbers can be tested on any machine. Found before the compiler's <immintrin.h>, and compiled with
// -D__AVX512F__, which chooses that vocabulary. (SIMDe 0.7 multiplies by 2^b instead of scaling: VSCALEFPS's exceptions and
// results below the smallest factor are lost.)
#undef __AVX512F__
#include_next <immintrin.h>
#include <math.h>

#define LANEWISE(i, n) for (int i = 0; i < (n); i++)
// Not inline: hundreds of kernels then compile in seconds.
#define EMULATED static __attribute__((noinline, unused))
// Those that x86_64/vector.h has want a register of that size.
#define VF_KEEP(v) ((void) (v))
#define VF_OPAQUE(v) ((void) (v))

EMULATED __m512 emulated_set1_ps(float a) {
  __m512 r;
  LANEWISE(i, 16) r[i] = a;
  return r;
}
EMULATED __m512 emulated_maskz_loadu_ps(__mmask16 k, const float *p) {
  __m512 r;
  LANEWISE(i, 16) r[i] = k >> i & 1 ? p[i] : 0;
  return r;
}
EMULATED void emulated_mask_storeu_ps(float *p, __mmask16 k, __m512 a) {
  LANEWISE(i, 16) if (k >> i & 1) p[i] = a[i];
}
EMULATED __m512 emulated_mask_mov_ps(__m512 rest, __mmask16 k, __m512 a) {
  LANEWISE(i, 16) if (k >> i & 1) rest[i] = a[i];
  return rest;
}
// The second one where either is NaN, or both are zeros.
EMULATED __m512 emulated_max_ps(__m512 a, __m512 b) {
  LANEWISE(i, 16) a[i] = a[i] > b[i] ? a[i] : b[i];
  return a;
}
EMULATED float emulated_reduce_max_ps(__m512 a) {
  for (int half = 8; half; half /= 2) LANEWISE(i, half) a[i] = a[i] > a[i + half] ? a[i] : a[i + half];
  return a[0];
}
EMULATED __m512 emulated_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  LANEWISE(i, 16) a[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return a;
}
EMULATED __m512d emulated_fmadd_pd(__m512d a, __m512d b, __m512d c) {
  LANEWISE(i, 8) a[i] = __builtin_fma(a[i], b[i], c[i]);
  return a;
}
EMULATED __m512 emulated_rint_ps(__m512 a) {
  LANEWISE(i, 16) a[i] = __builtin_rintf(a[i]);
  return a;
}
EMULATED __m512 emulated_floor_ps(__m512 a) {
  LANEWISE(i, 16) a[i] = __builtin_floorf(a[i]);
  return a;
}
EMULATED __m512 emulated_permutex2var_ps(__m512 low, __m512i index, __m512 high) {
  __m512 r;
  __v16si which = (__v16si) index;
  LANEWISE(i, 16) r[i] = (which[i] & 16 ? high : low)[which[i] & 15];
  return r;
}
// a·2^floor(b). NaN and ∞ as in the manual's table of special cases: 2^-∞ makes even a NaN 0, and 2^∞ makes it ∞.
EMULATED float emulated_scalef(float a, float b) {
  if (isnan(a)) return b == INFINITY ? INFINITY : b == -INFINITY ? 0 : a;
  if (isnan(b)) return b;
  if (isinf(b)) return b > 0 ? a * INFINITY : a * 0;
  // A float's exponent moves by less than 300 before all of them are ∞ or 0, and a double holds what is between.
  return (float) __builtin_ldexp(a, b < -400 ? -400 : b > 400 ? 400 : (int) __builtin_floorf(b));
}
EMULATED __m512 emulated_scalef_ps(__m512 a, __m512 b) {
  LANEWISE(i, 16) a[i] = emulated_scalef(a[i], b[i]);
  return a;
}
EMULATED __m512d emulated_cvtps_pd(__m256 a) {
  __m512d r;
  LANEWISE(i, 8) r[i] = (double) a[i];
  return r;
}
EMULATED __m256 emulated_castps512_ps256(__m512 a) {
  __m256 r;
  LANEWISE(i, 8) r[i] = a[i];
  return r;
}
EMULATED __m256d emulated_extractf64x4_pd(__m512d a, int high) {
  __m256d r;
  LANEWISE(i, 4) r[i] = a[i + 4 * high];
  return r;
}

#define _mm512_set1_ps emulated_set1_ps
#define _mm512_setzero_pd() ((__m512d) { 0 })
#define _mm512_loadu_ps(p) emulated_maskz_loadu_ps(0xFFFF, p)
#define _mm512_storeu_ps(p, a) emulated_mask_storeu_ps(p, 0xFFFF, a)
#define _mm512_stream_ps(p, a) emulated_mask_storeu_ps(p, 0xFFFF, a)
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps
#define _mm512_mask_mov_ps emulated_mask_mov_ps
#define _mm512_max_ps emulated_max_ps
#define _mm512_reduce_max_ps emulated_reduce_max_ps
#define _mm512_fmadd_ps emulated_fmadd_ps
#define _mm512_fmadd_pd emulated_fmadd_pd
#undef _mm512_roundscale_ps  // clang's are macros
#define _mm512_roundscale_ps(a, rounding) emulated_rint_ps(a)  // to nearest, the only rounding that is asked for
#define _mm512_floor_ps emulated_floor_ps
#define _mm512_permutex2var_ps emulated_permutex2var_ps
#define _mm512_castps_si512(a) ((__m512i) (a))
#define _mm512_scalef_ps emulated_scalef_ps
#define _mm512_cvtps_pd emulated_cvtps_pd
#define _mm512_castps512_ps256 emulated_castps512_ps256
#define _mm512_castps_pd(a) ((__m512d) (a))
#undef _mm512_extractf64x4_pd
#define _mm512_extractf64x4_pd emulated_extractf64x4_pd
