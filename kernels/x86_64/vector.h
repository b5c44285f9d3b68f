// What the vocabularies of all ISAs of this architecture share.
#include <immintrin.h>
#ifndef VF_KEEP  // a test may have its own
#define VF_KEEP(v) __asm__ volatile("" : : "x"(v))  // as if v were used, at no instruction
#define VF_OPAQUE(v) __asm__("" : "+x"(v))           // as if v were not known at compile time
#endif

// Asks for a line; an address that nothing is at is fine.
FN void prefetch(const char *p) { _mm_prefetch(p, _MM_HINT_T0); }

// Lets no store go before those of vf_stream that came before it.
FN void stream_fence(void) { _mm_sfence(); }
