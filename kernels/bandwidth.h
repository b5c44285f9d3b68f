// What the memory system gives to the simplest loops of each kind of traffic: the limits that passes are held against.
// No single loop is the fastest everywhere, so each kind has several, and the best counts. Here K is the number of streams:
// the vector is cut into K parts that advance together, their starts staggered modulo 4 KiB (unstaggered streams alias
// and take 1.5-1.8 times as long).

// Elements in each of K parts: the same remainder 4 KiB / K modulo 4 KiB for each distance; what is left is the REST.
FN size_t stream_length(size_t n, int K) {
  size_t page = 4096 / sizeof(float), stagger = page / (size_t) K, part = n / (size_t) K;
  return K == 1 ? n : part < stagger ? 0 : (part - stagger) / page * page + stagger;
}

// Runs `body(i)` for the first elements i of vectors that cover [start, start + K·length), then `rest(i, m)` for what is left.
#define STREAMS(start, body, rest) \
  size_t at = (start), length = stream_length(n - at, K), whole = length / (size_t) (U * LANES) * (size_t) (U * LANES); \
  for (size_t i = at; i < at + whole; i += (size_t) (U * LANES)) \
    EACH(j, U) EACH(k, K) body(i + (size_t) k * length + (size_t) (j * LANES)); \
  EACH(k, K) for (size_t i = at + (size_t) k * length + whole, m; (m = MIN(at + (size_t) (k + 1) * length - i, LANES)); i += m) rest(i, m); \
  for (size_t i = at + (size_t) K * length, m; (m = MIN(n - i, LANES)); i += m) rest(i, m)

PASS(load) {
#define BODY(i) VF_KEEP(vf_load(x + (i)))
#define REMAINDER(i, m) VF_KEEP(vf_load_first(x + (i), m))
  STREAMS(0, BODY, REMAINDER);
#undef BODY
#undef REMAINDER
}

PASS(store) {
#define BODY(i) vf_store(y + (i), v)
#define REMAINDER(i, m) vf_store_first(y + (i), m, v)
  vf v = vf_set(1);
  VF_OPAQUE(v);
  STREAMS(0, BODY, REMAINDER);
#undef BODY
#undef REMAINDER
}

PASS(copy) {
#define BODY(i) vf_store(y + (i), vf_load(x + (i)))
#define REMAINDER(i, m) vf_store_first(y + (i), m, vf_load_first(x + (i), m))
  STREAMS(0, BODY, REMAINDER);
#undef BODY
}

// Non-temporal stores want vectors aligned, so the elements before the first such address are copied plainly, and so is the
// remainder, as in copy.
PASS(copy_nt) {
#define BODY(i) vf_stream(y + (i), vf_load(x + (i)))
  size_t head = MIN(n, -((uintptr_t) y / sizeof(float)) % LANES);
  for (size_t i = 0; i < head; i++) y[i] = x[i];
  STREAMS(head, BODY, REMAINDER);
  stream_fence();
#undef BODY
#undef REMAINDER
}

PASS(update) {
#define BODY(i) vf_store(y + (i), vf_load(y + (i)) * v)
#define REMAINDER(i, m) vf_store_first(y + (i), m, vf_load_first(y + (i), m) * v)
  vf v = vf_set(1);
  VF_OPAQUE(v);
  STREAMS(0, BODY, REMAINDER);
#undef BODY
#undef REMAINDER
}
