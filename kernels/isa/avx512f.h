// Sixteen lanes: the operations on a float32 vector vf and its double accumulators "wide" that the passes need beyond
// + - * on AVX512F. The operations are those of scalar.h, lane by lane; VSCALEFPS does the scaling.
#include "x86_64/vector.h"
typedef __m512 vf;
typedef struct { __m512d low, high; } wide;
enum { LANES = 16 };

FN __mmask16 first(size_t n) { return (__mmask16) ((1u << n) - 1); }
FN vf vf_set(float a) { return _mm512_set1_ps(a); }
FN vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
FN vf vf_load_first(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
FN void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
FN void vf_store_first(float *p, size_t n, vf a) { _mm512_mask_storeu_ps(p, first(n), a); }
FN void vf_stream(float *p, vf a) { _mm512_stream_ps(p, a); }
FN vf vf_keep_first(size_t n, vf a, vf rest) { return _mm512_mask_mov_ps(rest, first(n), a); }
FN vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
FN vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
FN float vf_hmax(vf a) { return _mm512_reduce_max_ps(a); }

// VSCALEFPS takes exponents as floats, and of those the integral part: 2 to the power of the rest comes from a table of 32.
typedef vf ve;
enum { FRACTION_BITS = TABLE ? 5 : 0, LOWEST_EXPONENT = -(1 << (TABLE ? 17 : 21)) };
#define EXPONENT_ZERO (0x1.8p23f / (1 << FRACTION_BITS))

FN ve ve_shifted(vf shifted) { return shifted - vf_set(EXPONENT_ZERO); }
FN ve ve_integral(ve e) { return TABLE ? _mm512_floor_ps(e) : e; }
FN vf vf_mantissa(vf q, vf t, vf shifted) {
  static const float powers[] __attribute__((aligned(64))) = {
    0x1p+0f, 0x1.059b0ep+0f, 0x1.0b5586p+0f, 0x1.11301ep+0f, 0x1.172b84p+0f, 0x1.1d4874p+0f,
    0x1.2387a6p+0f, 0x1.29e9ep+0f, 0x1.306fep+0f, 0x1.371a74p+0f, 0x1.3dea64p+0f, 0x1.44e086p+0f,
    0x1.4bfdaep+0f, 0x1.5342b6p+0f, 0x1.5ab07ep+0f, 0x1.6247ecp+0f, 0x1.6a09e6p+0f, 0x1.71f75ep+0f,
    0x1.7a1148p+0f, 0x1.82589ap+0f, 0x1.8ace54p+0f, 0x1.93737cp+0f, 0x1.9c4918p+0f, 0x1.a5503cp+0f,
    0x1.ae89fap+0f, 0x1.b7f77p+0f, 0x1.c199bep+0f, 0x1.cb720ep+0f, 0x1.d5818ep+0f, 0x1.dfc974p+0f,
    0x1.ea4afap+0f, 0x1.f50766p+0f
  };
  vf power = _mm512_permutex2var_ps(vf_load(powers), _mm512_castps_si512(shifted), vf_load(powers + LANES));
  return vf_fma(power, q * t, power);
}
FN ve ve_set(float e) { return vf_set(e); }
FN ve ve_round_product(vf a, vf b, vf *rounded) {
  return *rounded = _mm512_roundscale_ps(a * b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
FN ve ve_max(ve a, ve b) { return vf_max(a, b); }
FN ve ve_keep_first(size_t n, ve a, ve rest) { return vf_keep_first(n, a, rest); }
FN float ve_hmax(ve a) { return vf_hmax(a); }
FN vf vf_exp2(ve e, ve reference) { return _mm512_scalef_ps(vf_set(1), e - reference); }
FN vf vf_scale(vf a, ve e, ve reference) { return _mm512_scalef_ps(a, e - reference); }
FN vf vf_scale_add(vf a, ve e, ve reference, vf c) { return vf_scale(a, e, reference) + c; }

FN __m512d low_half(vf a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
FN __m512d high_half(vf a) {
  return _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1)));
}
FN wide wide_zero(void) { return (wide) { _mm512_setzero_pd(), _mm512_setzero_pd() }; }
FN wide wide_fma(wide w, vf factor, vf addend) {
  return (wide) { _mm512_fmadd_pd(w.low, low_half(factor), low_half(addend)),
                  _mm512_fmadd_pd(w.high, high_half(factor), high_half(addend)) };
}
FN double wide_hsum(wide w) {
  __m512d s = w.low + w.high;
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}
