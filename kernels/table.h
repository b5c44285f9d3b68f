// The table of kernels that every ISA's extension exports. cffi reads this file too.
extern const struct kernel kernels[];
extern const int kernel_count;
// The first rows once more, the same machine code at other addresses.
extern const struct kernel moved_kernels[];
extern const int moved_kernel_count;
// The passes that take exp, by a table, and with prefetches.
extern const struct kernel table_kernels[], prefetch_kernels[];
extern const int table_kernel_count, prefetch_kernel_count;
extern const int lanes;              // floats per vector
