"""ONNX Runtime on a graph of one Softmax node; input and outputs are bound before, so that nothing is copied."""

from __future__ import annotations

import numpy as np

from harness.native.extensions import Host
from harness.peers import Prepared, Vectors, calling

TITLE = "ONNX Runtime"
PACKAGES = ("onnxruntime", "onnx")
OUTPUT = "given"
# The operator as it is since version 13 of the operator set, in a file format that runtimes since 2021 read.
OPSET, FORMAT = 13, 8


def prepare(host: Host, vectors: Vectors, threads: int) -> Prepared:
    """A session for one vector of this length. Its threads stop spinning after each call, or they would disturb the
    contender that is next."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.force_spinning_stop", "1")
    shape = (1, len(vectors.x))
    session = onnxruntime.InferenceSession(_model(shape), options, providers=["CPUExecutionProvider"])

    def bound(y: np.ndarray) -> onnxruntime.IOBinding:
        binding = session.io_binding()
        binding.bind_input("x", "cpu", 0, np.float32, shape, vectors.x.ctypes.data)
        binding.bind_output("y", "cpu", 0, np.float32, shape, y.ctypes.data)
        return binding

    bindings, run = [bound(y) for y in vectors.outputs], session.run_with_iobinding
    return calling(host, vectors, lambda place: run(bindings[place]))


def _model(shape: tuple[int, int]) -> bytes:
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy")
    graph = helper.make_graph([helper.make_node("Softmax", ["x"], ["y"], axis=-1)], "softmax", [x], [y])
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=FORMAT).SerializeToString()
