// exp in extended range: e^x = m·2^e with m in [1/√2, √2], so no input overflows or underflows.

typedef struct { vf m; ve e; } ext;
#define EXT_ZERO ((ext) { vf_set(0), ve_set(LOWEST_EXPONENT) })

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
