"""PyTorch's softmax on the processor."""

from __future__ import annotations

from harness.native.extensions import Host
from harness.peers import Prepared, Vectors, calling

TITLE = "PyTorch"
PACKAGES = ("torch",)
OUTPUT = "given"


def prepare(host: Host, vectors: Vectors, threads: int) -> Prepared:
    """Without gradients, as in inference."""
    import torch

    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    x, outputs, softmax = torch.from_numpy(vectors.x), [torch.from_numpy(y) for y in vectors.outputs], torch.softmax
    return calling(host, vectors, lambda place: softmax(x, 0, out=outputs[place]))
