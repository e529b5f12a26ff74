"""The operations a graph is made of. A new op is one class here plus one entry in `OPS`; see docs/add_an_op.md."""

from snntoolbox.ir.ops.base import Op, Padding, Shape
from snntoolbox.ir.ops.layout import Add, Concat, Input, Pad, Permute, Reshape, Slice, Upsample
from snntoolbox.ir.ops.linear import Affine, Conv, ConvTranspose, Dense
from snntoolbox.ir.ops.nonlinear import (
    Activation,
    AveragePool,
    MaxPool,
    PoolGate,
    Relu,
    Softmax,
    Spiking,
    SpikingMaxPool,
)

__all__ = [
    "OPS",
    "Activation",
    "Add",
    "Affine",
    "AveragePool",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Input",
    "MaxPool",
    "Op",
    "Pad",
    "Padding",
    "Permute",
    "PoolGate",
    "Relu",
    "Reshape",
    "Shape",
    "Slice",
    "Softmax",
    "Spiking",
    "SpikingMaxPool",
    "Upsample",
]

OPS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        Activation,
        Add,
        Affine,
        AveragePool,
        Concat,
        Conv,
        ConvTranspose,
        Dense,
        Input,
        MaxPool,
        Pad,
        Permute,
        Relu,
        Reshape,
        Slice,
        Softmax,
        Spiking,
        SpikingMaxPool,
        Upsample,
    )
}
"""Every op, by the name under which it is printed and saved."""
