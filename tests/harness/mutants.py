"""Kernels that are wrong, each in its own way, in one small table: the mistake is told by the number of vectors."""

import re
import shutil
from pathlib import Path

from harness.native import build
from tests.conftest import BUILT, SETTINGS

RIGHT = (1,)
FAR, FAR_ELEMENTS = 6, 300_000
"""One that takes half of a vector that is longer than those that every variant is looked at with."""
MISTAKES = {
    2: "NaN",
    3: "zeros",
    4: "1 % off",
    5: "shifted by one",
    7: "nothing",
    8: "half of the vector",
    9: "a coefficient of exp",
    10: "one past the end",
    11: "a crash",  # of max alone, since each takes a process down
    12: "a copy elsewhere",
}
SHAPES = (*RIGHT, FAR, *MISTAKES)
INSTANCE = r"""
#include <math.h>
#include <string.h>
FN void spoil(int mistake, int writes_y, float *y, struct carry *carry, size_t n) {
  float factor = mistake == 2 ? NAN : mistake == 3 ? 0 : mistake == 4 ? 1.01f : 1;
  carry->sum *= factor;
  carry->reference *= factor;
  for (size_t i = 0; writes_y && i < n; i++) y[i] *= factor;
  if (writes_y && mistake == 5) memmove(y + 1, y, (n - 1) * sizeof *y);
  if (mistake == 10) y[n] = 1;
#ifdef MOVED
  if (mistake == 12) carry->sum = carry->reference = y[0] = 0.5f;
#endif
}
#define INSTANCE(unroll, acc, name, rx, ry, wy, needs, combine, ...) \
  static void name##_u##unroll##k##acc(const float *x, float *y, struct carry *carry, size_t n) { \
    size_t skipped = unroll == 5 && !wy; \
    if (unroll == 7) return; \
    if (unroll == 11 && combine == COMBINE_MAX) *(volatile int *) 0 = 1; \
    int halved = unroll == 8 || (unroll == 6 && n >= 300000); \
    name(x + skipped, y, carry, halved ? n / 2 : n - skipped, unroll, acc); \
    spoil(unroll, wy, y, carry, n); \
  }
"""


def sources(folder: Path) -> Path:
    """A copy of the kernels with the mistakes, in a new folder below this one."""
    kernels = folder / "kernels"
    shutil.copytree(build.KERNELS, kernels)
    table, exp = kernels / "kernels.c", kernels / "exp.h"
    text = table.read_text(encoding="utf-8")
    shapes = " ".join(f"X({u}, 1, __VA_ARGS__)" for u in SHAPES)
    text, spaces = re.subn(
        r"#define (REDUCTION|MAP|SOME_\w+|LOOPS)\(X, \.\.\.\)(?:[^\n]*\\\n)*[^\n]*\n",
        rf"#define \1(X, ...) {shapes}\n",
        text,
    )
    text, instances = re.subn(r"#define INSTANCE\(.*?\n  \}\n", lambda _: INSTANCE, text, flags=re.DOTALL)
    table.write_text(text, encoding="utf-8")
    # 1/2 is 0.5 % too large; beside a table, 1.
    text, coefficients = re.subn(
        r"vf_set\(([cp])\[i\]\)",
        r"vf_set(U == 9 && i == (TABLE ? 0 : 2) ? 1.005f * \1[i] : \1[i])",
        exp.read_text(encoding="utf-8"),
    )
    exp.write_text(text, encoding="utf-8")
    assert (spaces, instances, coefficients) == (5, 1, 2)
    return kernels


def build_mutants(monkeypatch, folder: Path, compiler: str) -> None:
    """Extensions, scalar, that say they are those of this checkout and are not, in `built` below a folder."""
    told = build.build_hash(SETTINGS, compiler, "scalar")
    monkeypatch.setattr(build, "KERNELS", sources(folder))
    monkeypatch.setattr(build, "build_hash", lambda *_: told)
    quick = {**SETTINGS, "flags": ["-std=gnu11", "-O1", "-ffp-contract=off"]}
    built = folder / "built"
    build.build(quick, compiler, "scalar", build.extension_path(built, compiler, "scalar"))
    host = build.extension_path(built, compiler, build.HOST)
    host.symlink_to(build.extension_path(BUILT, compiler, build.HOST).resolve())
