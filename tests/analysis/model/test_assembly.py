"""Hot loops are found and counted in assembly whose answers are known by hand."""

from analysis.model import assembly

# An iteration of two vectors of 8 floats, with accesses to the stack between. What remains (.L3) steps by one vector.
AVX2 = """
	.file "kernels.c"
ext_sum_u2k1:                           # @ext_sum_u2k1
	.cfi_startproc
	movq	%rsp, %rbp
	cmpq	$15, %rcx
	jbe	.L9
.L2:                                    # => the hot loop
	vmovups	(%rdi), %ymm0
	vmovups	32(%rdi), %ymm1               # 32-byte
	vmovaps	%ymm0, -64(%rbp)
	vfmadd213ps	-96(%rsp,%r8,1), %ymm1, %ymm0
	leaq	8(%rsp), %r9
	addl	$1, -8(%rbp)
	cmpl	$5, -8(%rbp)
	subq	$-64, %rdi
	decq	%rdx
	jne	.L2
.L3:
	vmovups	(%rdi), %ymm0
	addq	$32, %rdi
	decq	%rcx
	jne	.L3
.L9:
	ret
	.cfi_endproc
"""


def only(text):
    (loop,) = assembly.hot_loops(text).values()
    return loop


def step(loop):
    return assembly.bytes_per_iteration(loop)


def test_an_instance_is_known_by_its_label():
    assert list(assembly.hot_loops(AVX2)) == [("ext_sum", "u2k1")]


def test_of_the_straight_loops_the_hot_one_steps_furthest():
    loop = only(AVX2)
    assert len(loop) == 10 and step(loop) == 64
    assert loop[0] == "vmovups (%rdi), %ymm0"


def test_an_index_counts_with_its_scale():
    text = (
        AVX2.replace("(%rdi), %ymm", "(%rsi,%rdi,4), %ymm")
        .replace("subq	$-64", "addq	$16")
        .replace("$32, %rdi", "$8, %rdi")
    )
    assert step(only(text)) == 64


def test_a_loop_whose_addresses_advance_unequally_is_none():
    text = AVX2.replace("vmovups	32(%rdi)", "addq	$32, %rsi\n	vmovups	32(%rsi)")
    assert step(only(text)) == 32  # so .L3 is what is left


def test_a_loop_around_another_jump_is_not_taken_for_one_block():
    text = AVX2.replace("	leaq	8(%rsp), %r9\n", "	je	.L9\n").replace("jne	.L3", "jmp	.L9")
    assert only(text) == []
