// oneDNN's softmax primitive as a kernel. cffi reads this file too, so it has no preprocessor lines.

// Makes the primitive for one vector of n floats, in place of the one before, and sets *kernel to what runs it. Returns
// oneDNN's status: 0 is success.
int onednn_prepare(size_t n, const struct kernel **kernel);

// The status of the first call that failed since; 0 where none has.
int onednn_failure(void);

// Where in a page the stack is to lie when oneDNN is called: a multiple of 16.
void onednn_stack(size_t bytes);

const char *onednn_version(void);
