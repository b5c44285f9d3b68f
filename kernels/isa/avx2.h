// Eight lanes: the operations on a float32 vector vf and its double accumulators "wide" that the passes need beyond
// + - * on AVX2 with FMA3. The operations are those of scalar.h, lane by lane.
#include "x86_64/vector.h"
typedef __m256 vf;
typedef struct { __m256d low, high; } wide;
enum { LANES = 8 };

FN __m256i first(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int) n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
FN vf vf_set(float a) { return _mm256_set1_ps(a); }
FN vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
FN vf vf_load_first(const float *p, size_t n) { return _mm256_maskload_ps(p, first(n)); }
FN void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
FN void vf_store_first(float *p, size_t n, vf a) { _mm256_maskstore_ps(p, first(n), a); }
FN void vf_stream(float *p, vf a) { _mm256_stream_ps(p, a); }
FN vf vf_keep_first(size_t n, vf a, vf rest) { return _mm256_blendv_ps(rest, a, _mm256_castsi256_ps(first(n))); }
FN vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
FN vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
FN float vf_hmax(vf a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return s[0] > s[1] ? s[0] : s[1];
}

typedef __m256i ve;
enum { FRACTION_BITS = TABLE ? 3 : 0, LOWEST_EXPONENT = -(1 << (21 - FRACTION_BITS)) };
enum { EXPONENT_ONE = 1 << FRACTION_BITS, LARGEST_FLOAT_BIAS = 127 * EXPONENT_ONE };
#define EXPONENT_ZERO (0x1.8p23f / EXPONENT_ONE)
static const int mantissas[8] __attribute__((aligned(32), unused)) = {
  0, -0x46A3E, -0x7C810, -0xA0129, -0xAFB0D, -0xA98D6, -0x8BB03, -0x53F39
};

FN ve ve_shifted(vf shifted) { return _mm256_castps_si256(shifted); }
FN ve ve_integral(ve e) { return _mm256_and_si256(e, _mm256_set1_epi32(-EXPONENT_ONE)); }
FN vf vf_mantissa(vf q, vf t, UNUSED vf shifted) { return vf_fma(q, t, vf_set(1)); }
FN ve ve_set(float e) { return ve_shifted(vf_set(EXPONENT_ZERO + e)); }
FN ve ve_round_product(vf a, vf b, vf *rounded) {
  vf shifted = vf_fma(a, b, vf_set(EXPONENT_ZERO));
  *rounded = shifted - vf_set(EXPONENT_ZERO);
  return ve_shifted(shifted);
}
FN ve ve_max(ve a, ve b) { return _mm256_max_epi32(a, b); }
FN ve ve_keep_first(size_t n, ve a, ve rest) { return _mm256_blendv_epi8(rest, a, first(n)); }
FN float ve_hmax(ve a) {
  int e[LANES], max;
  _mm256_storeu_si256((__m256i *) e, a);
  max = e[0];
  EACH(i, LANES) max = e[i] > max ? e[i] : max;
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(max))) - EXPONENT_ZERO;
}
FN vf vf_exp2(ve e, ve reference) {
  ve lowest = _mm256_sub_epi32(reference, _mm256_set1_epi32(LARGEST_FLOAT_BIAS));
  ve above = _mm256_sub_epi32(_mm256_max_epi32(e, lowest), lowest);
  ve bits = _mm256_slli_epi32(above, 23 - FRACTION_BITS);
  if (TABLE) {
    ve table = _mm256_load_si256((const __m256i *) mantissas);
    bits = _mm256_add_epi32(bits, _mm256_permutevar8x32_epi32(table, above));
  }
  return _mm256_castsi256_ps(bits);
}
FN vf vf_scale(vf a, ve e, ve reference) { return a * vf_exp2(e, reference); }
FN vf vf_scale_add(vf a, ve e, ve reference, vf c) { return vf_fma(a, vf_exp2(e, reference), c); }

FN __m256d low_half(vf a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
FN __m256d high_half(vf a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
FN wide wide_zero(void) { return (wide) { _mm256_setzero_pd(), _mm256_setzero_pd() }; }
FN wide wide_fma(wide w, vf factor, vf addend) {
  return (wide) { _mm256_fmadd_pd(w.low, low_half(factor), low_half(addend)),
                  _mm256_fmadd_pd(w.high, high_half(factor), high_half(addend)) };
}
FN double wide_hsum(wide w) {
  __m256d s = w.low + w.high;
  return (s[0] + s[2]) + (s[1] + s[3]);
}
