// exp in extended range: e^x = m·2^e with m in [1/√2, √2], so no input overflows or underflows.

typedef struct { vf m; ve e; } ext;
#define EXT_ZERO ((ext) { vf_set(0), ve_set(LOWEST_EXPONENT) })

#if !TABLE
// a[j] = exp(x[j]), each step for all U vectors before the next (one vector after the other costs AVX2 5-10 % and
// spills): Cody-Waite reduction to t = x - e·ln 2 in [-ln2/2, ln2/2], then m = exp(t) by the degree-5 minimax polynomial
// that exp_p5.sollya derives (relative error 9.2e-8). Within 2 ulp on [-87.3, 0]. For |x| ≤ EXP_DOMAIN the reduction
// adds less than 2^-24 to that: e·ln2 as two floats is off by e·2^-50, and e itself, rounded from a float product, may
// leave t 2^-8 outside its interval, where the polynomial's error is 1.4e-7.
FN void ext_exp(ext *a, const vf *x, int U) {
  static const float c[] = { 1, 0x1.FFFFF6p-1f, 0x1.FFFDC6p-2f, 0x1.555A80p-3f, 0x1.573A1Ap-5f, 0x1.0F9F9Cp-7f };
  vf e[MAX_U], t[MAX_U];
  EACH(j, U) a[j].e = ve_round_product(x[j], vf_set(0x1.715476p+0f), &e[j]);
  EACH(j, U) t[j] = vf_fma(e[j], vf_set(-0x1.62E43p-1f), x[j]);
  EACH(j, U) t[j] = vf_fma(e[j], vf_set(0x1.05C61p-29f), t[j]);
  EACH(j, U) a[j].m = vf_set(c[5]);
  for (int i = 4; i >= 0; i--)
    EACH(j, U) a[j].m = vf_fma(a[j].m, t[j], vf_set(c[i]));
}
#else
// The same by a table: e counts in eighths, or in AVX512F 32nds, so that t is in ±ln2/16 or ±ln2/64, where a polynomial of
// degree 3 (relative error 2.6e-8) or 2 (5.4e-8) does, and 2^e comes with the help of a table. m is in [0.95, 1.05]; in
// AVX512F that times the power of e's fraction. Within 2 ulp as well.
FN void ext_exp(ext *a, const vf *x, int U) {
  static const float eighths[] = { 1, 0x1.000874p-1f, 0x1.555656p-3f }, finer[] = { 0x1.0000f6p+0f, 0x1.fffffep-2f };
  const float *p = FRACTION_BITS == 3 ? eighths : finer;
  const int degree = FRACTION_BITS == 3 ? 3 : 2;
  vf shifted[MAX_U], e[MAX_U], t[MAX_U], q[MAX_U];
  EACH(j, U) shifted[j] = vf_fma(x[j], vf_set(0x1.715476p+0f), vf_set(EXPONENT_ZERO));
  EACH(j, U) a[j].e = ve_shifted(shifted[j]);
  EACH(j, U) e[j] = shifted[j] - vf_set(EXPONENT_ZERO);
  EACH(j, U) t[j] = vf_fma(e[j], vf_set(-0x1.62E43p-1f), x[j]);
  EACH(j, U) t[j] = vf_fma(e[j], vf_set(0x1.05C61p-29f), t[j]);
  EACH(j, U) q[j] = vf_set(p[degree - 1]);
  for (int i = degree - 2; i >= 0; i--)
    EACH(j, U) q[j] = vf_fma(q[j], t[j], vf_set(p[i]));
  EACH(j, U) a[j].m = vf_mantissa(q[j], t[j], shifted[j]);
}
#endif
