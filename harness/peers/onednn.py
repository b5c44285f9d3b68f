"""oneDNN's softmax primitive, which the paper's authors added to their own benchmark, by its C API: no Python between.

It comes from PyPI, built with GNU OpenMP, since a lock can pin that by its hash; Debian's libdnnl-dev is older.
"""

from __future__ import annotations

from harness import build
from harness.extensions import Host, load
from harness.peers import Prepared, Vectors

TITLE = "oneDNN"
PACKAGES = build.ONEDNN_PACKAGES
OUTPUT = "given"


def prepare(host: Host, vectors: Vectors, threads: int) -> Prepared:
    """A primitive for one vector of this length, made for so many threads."""
    from threadpoolctl import threadpool_limits

    extension = load(host.folder, host.compiler, build.ONEDNN)
    threadpool_limits(threads, user_api="openmp")
    kernel = extension.ffi.new("const struct kernel **")
    status = extension.lib.onednn_prepare(len(vectors.x), kernel)
    if status:
        raise RuntimeError(f"oneDNN makes no softmax of {len(vectors.x)} elements: status {status}")
    address = int(extension.ffi.cast("uintptr_t", kernel[0]))
    passes = host.ffi.new("const struct kernel *[]", [host.ffi.cast("const struct kernel *", address)])
    return Prepared(passes, kept=[extension])
