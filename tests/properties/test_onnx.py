"""A network of random structure, written as an ONNX file and read again, is the network that it was."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.ir import ops
from snntoolbox.ir.evaluate import max_relative_deviation
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.random_graphs import random_graph, random_samples


class Writer:
    """Writes a graph channels-first, as PyTorch would.

    A tensor of the file is (batch, channels, *space). Where the graph reads elements in its own order, to reshape them,
    the file transposes them first.
    """

    def __init__(self, graph):
        self.graph, self.nodes, self.weights = graph, [], []

    def model(self):
        for node in self.graph.nodes:
            if not isinstance(node.op, ops.Input):
                getattr(self, type(node.op).__name__.lower())(node)
        inputs = [self._declared(name) for name in self.graph.inputs]
        outputs = [self._declared(name) for name in self.graph.outputs]
        graph = helper.make_graph(self.nodes, "random", inputs, outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)

    def _declared(self, name):
        *space, channels = self.graph.shapes[name]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", channels, *space])

    def emit(self, op, node, *more, output=None, **settings):
        """Add one node with the inputs of a graph's node and constants."""
        names = [name if isinstance(name, str) else self.constant(name) for name in (*node.inputs, *more)]
        self.nodes.append(helper.make_node(op, names, [output or node.name], **settings))
        return output or node.name

    def constant(self, value):
        value = np.asarray(value)
        value = value.astype(np.float32) if value.dtype.kind == "f" else value
        self.weights.append(numpy_helper.from_array(value, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def rank(self, name):
        return len(self.graph.shapes[name])

    def moved(self, value, rank):
        """A parameter that broadcasts against (*space, channels), so that it does against (channels, *space)."""
        value = np.asarray(value)
        return np.moveaxis(value.reshape((1,) * (rank - value.ndim) + value.shape), -1, 0)

    def padding(self, pairs):
        return [before for before, _ in pairs] + [after for _, after in pairs]

    def conv(self, node):
        op = node.op
        kernel = np.moveaxis(op.kernel, (-1, -2), (0, 1))
        more = [kernel] if op.bias is None else [kernel, op.bias]
        settings = {"strides": op.strides, "dilations": op.dilation, "group": op.groups}
        self.emit("Conv", node, *more, pads=self.padding(op.padding), **settings)

    def dense(self, node):
        if self.rank(node.name) == 1:
            bias = [] if node.op.bias is None else [node.op.bias]
            self.emit("Gemm", node, node.op.weight, *bias)
            return
        rank = self.rank(node.name) + 1
        last = [0, *range(2, rank), 1]
        self.nodes.append(helper.make_node("Transpose", node.inputs, [f"{node.name}_last"], perm=last))
        product = helper.make_node("MatMul", [f"{node.name}_last", self.constant(node.op.weight)], [f"{node.name}_m"])
        self.nodes.append(product)
        bias = np.zeros(1, np.float32) if node.op.bias is None else node.op.bias
        self.nodes.append(helper.make_node("Add", [f"{node.name}_m", self.constant(bias)], [f"{node.name}_b"]))
        first = [0, rank - 1, *range(1, rank - 1)]
        self.nodes.append(helper.make_node("Transpose", [f"{node.name}_b"], [node.name], perm=first))

    def affine(self, node):
        rank = self.rank(node.name)
        if node.op.shift is None:
            self.emit("Mul", node, self.moved(node.op.scale, rank))
            return
        product = self.emit("Mul", node, self.moved(node.op.scale, rank), output=f"{node.name}_m")
        shift = self.constant(self.moved(node.op.shift, rank))
        self.nodes.append(helper.make_node("Add", [product, shift], [node.name]))

    def relu(self, node):
        op, capped = node.op, node.op.max_value is not None
        output = f"{node.name}_uncapped" if capped else node.name
        if op.leaky:
            self.emit("PRelu", node, self.moved(op.negative_slope, self.rank(node.name)), output=output)
        else:
            self.emit("Relu", node, output=output)
        if capped:
            self.nodes.append(helper.make_node("Min", [output, self.constant(np.float32(op.max_value))], [node.name]))

    def maxpool(self, node):
        op = node.op
        self.emit("MaxPool", node, kernel_shape=op.pool, strides=op.strides, pads=self.padding(op.padding))

    def averagepool(self, node):
        op = node.op
        settings = {"kernel_shape": op.pool, "strides": op.strides, "pads": self.padding(op.padding)}
        self.emit("AveragePool", node, count_include_pad=int(op.count_padding), **settings)

    def reshape(self, node):
        rank = self.rank(node.inputs[0]) + 1
        source = node.inputs[0]
        if rank > 2:
            source = f"{node.name}_last"
            self.nodes.append(helper.make_node("Transpose", node.inputs, [source], perm=[0, *range(2, rank), 1]))
        shape = self.constant(np.array([-1, *node.op.shape]))
        new = len(node.op.shape) + 1
        self.nodes.append(helper.make_node("Reshape", [source, shape], [f"{node.name}_r"]))
        perm = [0, new - 1, *range(1, new - 1)]
        self.nodes.append(helper.make_node("Transpose", [f"{node.name}_r"], [node.name], perm=perm))

    def permute(self, node):
        rank = len(node.op.perm)
        # Graph axis a is the file's axis a + 2, or 1 for the last.
        places = [*range(2, rank + 1), 1]
        wanted = [places[axis] for axis in node.op.perm]
        self.emit("Transpose", node, perm=[0, wanted[-1], *wanted[:-1]])

    def pad(self, node):
        pairs = [(0, 0), node.op.padding[-1], *node.op.padding[:-1]]
        self.emit("Pad", node, np.array(self.padding(pairs)))

    def slice(self, node):
        rank = self.rank(node.name)
        axes = np.array([*range(2, rank + 1), 1])
        self.emit("Slice", node, np.array(node.op.start), np.array(node.op.stop), axes, np.array(node.op.step))

    def upsample(self, node):
        scales = np.array([1, 1, *node.op.factors], np.float32)
        names = [*node.inputs, "", self.constant(scales)]
        self.nodes.append(helper.make_node("Resize", names, [node.name], mode="nearest"))

    def concat(self, node):
        rank = self.rank(node.name)
        axis = node.op.axis % rank
        self.emit("Concat", node, axis=1 if axis == rank - 1 else axis + 2)

    def add(self, node):
        self.emit("Sum", node)

    def softmax(self, node):
        self.emit("Softmax", node, axis=1)

    def activation(self, node):
        self.emit({"sigmoid": "Sigmoid", "tanh": "Tanh"}[node.op.function], node)

    def convtranspose(self, node):
        op = node.op
        kernel = np.moveaxis(op.kernel, (-2, -1), (0, 1))
        more = [kernel] if op.bias is None else [kernel, op.bias]
        settings = {"strides": op.strides, "dilations": op.dilation, "group": op.groups}
        pads, extra = self.padding(op.padding), op.output_padding
        self.emit("ConvTranspose", node, *more, pads=pads, output_padding=extra, **settings)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_a_network_written_and_read_again_computes_the_same(seed):
    graph = random_graph(seed, leaky=True, dtype=np.float32)
    model, frontend = Writer(graph).model(), OnnxFrontend(input_layout="channels_first")
    again = frontend.parse(model)
    samples = random_samples(graph, seed)
    expected, received = node_values(graph, samples), node_values(again, samples)
    wanted = [expected[name] for name in graph.outputs]
    assert max_relative_deviation(wanted, [received[name] for name in again.outputs]) <= 1e-5
    assert max_relative_deviation(wanted, frontend.reference_outputs(model, samples)) <= 1e-5
    # Nothing is moved that the graph did not move.
    assert sum(node.op.kind == "Permute" for node in again.nodes) <= sum(n.op.kind == "Permute" for n in graph.nodes)
