"""Hot loops are found and counted in assembly whose answers are known by hand."""

import pytest

from analysis.model import assembly
from harness.record.errors import HarnessError

PLACES = {("passes.h", 65)}
# An iteration of two vectors of 8 floats, with accesses to the stack between. What remains (.L3) steps by one vector.
AVX2 = """
	.file 1 "/somewhere/kernels.c"
	.file 5 "/somewhere" "passes.h" md5 0x0
ext_sum_u2k1:                           # @ext_sum_u2k1
	.loc 1 75 1
	.cfi_startproc
	movq	%rsp, %rbp
	.loc 5 65 12
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
	.loc 5 65 3
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
    (function,) = assembly.functions(text)
    return function


def step(loop):
    return assembly.bytes_per_iteration([assembly.Instruction(line) for line in loop])


def test_an_instance_is_known_by_its_label():
    function = only(AVX2)
    assert (function.pass_name, function.variant) == ("ext_sum", "u2k1")


def test_of_the_loops_on_a_marked_line_the_hot_one_steps_furthest():
    loop = only(AVX2).hot_loop(PLACES)
    assert len(loop) == 10 and step(loop) == 64
    assert loop[0] == "vmovups (%rdi), %ymm0"


def test_an_index_counts_with_its_scale():
    text = (
        AVX2.replace("(%rdi), %ymm", "(%rsi,%rdi,4), %ymm")
        .replace("subq	$-64", "addq	$16")
        .replace("$32, %rdi", "$8, %rdi")
    )
    assert step(only(text).hot_loop(PLACES)) == 64


def test_a_register_that_is_set_otherwise_has_no_step():
    text = AVX2.replace("leaq	8(%rsp), %r9", "movq	%r9, %rdi")
    assert step(only(text).hot_loop(PLACES)) == 32  # so .L3 is what is left


def test_a_loop_around_another_jump_is_not_taken_for_one_block():
    text = AVX2.replace("	leaq	8(%rsp), %r9\n", "	je	.L9\n").replace("jne	.L3", "jmp	.L9")
    assert only(text).hot_loop(PLACES) == ()


def test_lines_that_tell_nothing_are_an_error():
    with pytest.raises(HarnessError, match="ext_sum u2k1: no jump comes from a marked line"):
        only(AVX2).hot_loop({("passes.h", 1)})


def test_marked_are_the_lines_that_iterate_over_whole_vectors(tmp_path):
    (tmp_path / "passes.h").write_text("#define ITERATIONS for (;;)\n  ITERATIONS {\n  }\n  WHOLE_ITERATIONS f();\n")
    assert assembly.marked_places(tmp_path) == {("passes.h", 2), ("passes.h", 4)}
