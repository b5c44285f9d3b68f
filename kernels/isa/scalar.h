// One lane: the operations on a float32 "vector" vf and a double accumulator "wide" that the passes need beyond + - *.
// Scalar means one lane with FMA3 (Haswell, Zen 1 or later).
#include "x86_64/vector.h"
typedef float vf;
typedef double wide;
enum { LANES = 1 };

FN vf vf_set(float a) { return a; }
FN vf vf_load(const float *p) { return *p; }
FN vf vf_load_first(const float *p, size_t n) { return n ? *p : 0; }
FN void vf_store(float *p, vf a) { *p = a; }
FN void vf_store_first(float *p, size_t n, vf a) { if (n) *p = a; }
FN void vf_stream(float *p, vf a) {
  int bits = _mm_cvtsi128_si32(_mm_castps_si128(_mm_set_ss(a)));
  __asm__("" : "+r"(bits));  // of bits that it knows to be a float clang makes a plain store: MOVNTI is for integers
  _mm_stream_si32((int *) p, bits);
}
FN vf vf_keep_first(size_t n, vf a, vf rest) { return n ? a : rest; }
// b where a is NaN. MAXSS by name, since gcc turns a ternary maximum into a branch.
FN vf vf_max(vf a, vf b) { return _mm_cvtss_f32(_mm_max_ss(_mm_set_ss(a), _mm_set_ss(b))); }
FN vf vf_fma(vf a, vf b, vf c) { return __builtin_fmaf(a, b, c); }
FN float vf_hmax(vf a) { return a; }

// Integral exponents are kept as the bits of 1.5·2^23 + e, which one FMA leaves in the low end of a float: integer
// arithmetic then does what would take float operations on the ports that the polynomial needs (AVX2 on Zen 4, gcc,
// interleaved with a loop of float exponents: exp_sum 5.65 against 5.88 cycles per vector).
// By a table they count eighths, FRACTION_BITS more bits: those then come to stand in the mantissa, where a table corrects
// 1 + fraction to 2^fraction.
typedef __m128i ve;
enum { FRACTION_BITS = TABLE ? 3 : 0, LOWEST_EXPONENT = -(1 << (21 - FRACTION_BITS)) };
enum { EXPONENT_ONE = 1 << FRACTION_BITS, LARGEST_FLOAT_BIAS = 127 * EXPONENT_ONE };
#define EXPONENT_ZERO (0x1.8p23f / EXPONENT_ONE)
// Of the bits of 2^(k/8), what 1 + k/8 has not.
static const int mantissas[8] __attribute__((unused)) = {
  0, -0x46A3E, -0x7C810, -0xA0129, -0xAFB0D, -0xA98D6, -0x8BB03, -0x53F39
};

// The exponent that this is EXPONENT_ZERO more than.
FN ve ve_shifted(vf shifted) { return _mm_castps_si128(_mm_set_ss(shifted)); }
// ⌊e⌋
FN ve ve_integral(ve e) { return _mm_and_si128(e, _mm_cvtsi32_si128(-EXPONENT_ONE)); }
// 1 + q·t, times what vf_exp2 leaves out of 2 to the exponent that this is EXPONENT_ZERO more than: here, nothing.
FN vf vf_mantissa(vf q, vf t, UNUSED vf shifted) { return vf_fma(q, t, vf_set(1)); }
FN ve ve_set(float e) { return ve_shifted(EXPONENT_ZERO + e); }
// The integer nearest to a·b, both as an exponent and, in *rounded, as a float.
FN ve ve_round_product(vf a, vf b, vf *rounded) {
  vf shifted = vf_fma(a, b, EXPONENT_ZERO);
  *rounded = shifted - EXPONENT_ZERO;
  return ve_shifted(shifted);
}
FN ve ve_max(ve a, ve b) { return _mm_max_epi32(a, b); }
FN ve ve_keep_first(size_t n, ve a, ve rest) { return n ? a : rest; }
FN float ve_hmax(ve a) { return _mm_cvtss_f32(_mm_castsi128_ps(a)) - EXPONENT_ZERO; }
// 2^(e - reference), 0 below 2^-126; ⌊e⌋ ≤ reference, which is integral. The maximum comes first, since a difference of bits
// can wrap: those of an exponent below -1.5·2^23 have the sign.
FN vf vf_exp2(ve e, ve reference) {
  ve lowest = _mm_sub_epi32(reference, _mm_cvtsi32_si128(LARGEST_FLOAT_BIAS));
  ve above = _mm_sub_epi32(_mm_max_epi32(e, lowest), lowest);
  ve bits = _mm_slli_epi32(above, 23 - FRACTION_BITS);
  if (TABLE) bits = _mm_add_epi32(bits, _mm_cvtsi32_si128(mantissas[_mm_cvtsi128_si32(above) & (EXPONENT_ONE - 1)]));
  return _mm_cvtss_f32(_mm_castsi128_ps(bits));
}
// a·2^(e - reference); ⌊e⌋ ≤ reference.
FN vf vf_scale(vf a, ve e, ve reference) { return a * vf_exp2(e, reference); }
// a·2^(e - reference) + c; ⌊e⌋ ≤ reference.
FN vf vf_scale_add(vf a, ve e, ve reference, vf c) { return vf_fma(a, vf_exp2(e, reference), c); }

FN wide wide_zero(void) { return 0; }
// w·factor + addend, in double.
FN wide wide_fma(wide w, vf factor, vf addend) { return __builtin_fma(w, (double) factor, (double) addend); }
FN double wide_hsum(wide w) { return w; }
