// The table of kernels that every ISA's extension exports. cffi reads this file too.
extern const struct kernel kernels[];
extern const struct kernel moved_kernels[];  // the same machine code at other addresses, row by row
extern const int kernel_count;
extern const int lanes;              // floats per vector
