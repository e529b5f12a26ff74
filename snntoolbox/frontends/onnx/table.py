"""What can be translated: one row for each op of ONNX, and advice for the rest."""

from __future__ import annotations

from snntoolbox.frontends.onnx import activations, arithmetic, linear, moves, pooling, resizing, staircases
from snntoolbox.frontends.onnx.calls import Translator

__all__ = ["TRANSLATORS", "advice"]

TRANSLATORS: dict[str, Translator] = {
    # Weights
    "BatchNormalization": linear.batch_normalization,
    "Conv": linear.conv,
    "ConvTranspose": linear.conv_transpose,
    "Gemm": linear.gemm,
    "MatMul": linear.matmul,
    # Pooling
    "AveragePool": pooling.average_pool,
    "GlobalAveragePool": pooling.global_average_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "MaxPool": pooling.max_pool,
    "ReduceMax": pooling.reduce_max,
    "ReduceMean": pooling.reduce_mean,
    "ReduceSum": pooling.reduce_sum,
    # Rectifiers and other activations
    "Clip": activations.clip,
    "Elu": activations.elu,
    "Floor": staircases.floor,
    "Exp": activations.function("exponential"),
    "Gelu": activations.gelu,
    "HardSigmoid": activations.hard_sigmoid,
    "LeakyRelu": activations.leaky_relu,
    "LogSoftmax": activations.log_softmax,
    "Max": activations.maximum,
    "Min": activations.minimum,
    "PRelu": activations.prelu,
    "Relu": activations.relu,
    "Selu": activations.selu,
    "Sigmoid": activations.function("sigmoid"),
    "Softmax": activations.softmax,
    "Softplus": activations.function("softplus"),
    "Softsign": activations.function("softsign"),
    "Swish": activations.swish,
    "Tanh": activations.function("tanh"),
    # Arithmetic
    "Add": arithmetic.add,
    "Div": arithmetic.divide,
    "Mean": arithmetic.mean,
    "Mul": arithmetic.multiply,
    "Neg": arithmetic.negative,
    "Sub": arithmetic.subtract,
    "Sum": arithmetic.add,
    # Moving, cutting and joining
    "Cast": moves.cast,
    "CastLike": moves.identity,
    "Concat": moves.concat,
    "DepthToSpace": moves.depth_to_space,
    "Dropout": moves.identity,
    "Expand": moves.expand,
    "Flatten": moves.reshape,
    "Gather": moves.gather,
    "Identity": moves.identity,
    "Pad": moves.pad,
    "Reshape": moves.reshape,
    "Resize": resizing.resize,
    "Slice": moves.slice_,
    "SpaceToDepth": moves.space_to_depth,
    "Split": moves.split,
    "Squeeze": moves.reshape,
    "Tile": moves.tile,
    "Transpose": moves.transpose,
    "Unsqueeze": moves.reshape,
    "Upsample": resizing.upsample,
}

_NORMALIZATION = "Its statistics depend on each sample: train the network with batch normalisation."
_RECTIFIER = "Train the network with a rectifier (ReLU, ReLU6, LeakyReLU, PReLU)."
_RECURRENT = "Recurrent layers have no spiking counterpart here."
_QUANTIZED = "Convert the network before it is quantised: export the floating-point model."
_DECISION = "Let the network end before it, at the scores; the decision is taken from the decoded output."

_ADVICE = {
    "Abs": _RECTIFIER,
    "ArgMax": _DECISION,
    "ArgMin": _DECISION,
    "Attention": "Products of tensors have no spiking counterpart here.",
    "Celu": _RECTIFIER,
    "ConvInteger": _QUANTIZED,
    "DequantizeLinear": _QUANTIZED,
    "DynamicQuantizeLinear": _QUANTIZED,
    "Einsum": "Write it as MatMul with a constant.",
    "Erf": _RECTIFIER,
    "GRU": _RECURRENT,
    "GatherND": "Adaptive pooling to sizes that do not divide is exported so: use sizes that divide.",
    "GroupNormalization": _NORMALIZATION,
    "HardSwish": _RECTIFIER,
    "Hardmax": _DECISION,
    "If": "Which branch is taken depends on the input: export the branch that is used.",
    "InstanceNormalization": _NORMALIZATION,
    "LRN": "Train the network without it, or with batch normalisation.",
    "LSTM": _RECURRENT,
    "LayerNormalization": _NORMALIZATION,
    "Loop": _RECURRENT,
    "LpPool": "Use average or maximum pooling.",
    "MatMulInteger": _QUANTIZED,
    "MeanVarianceNormalization": _NORMALIZATION,
    "Mish": _RECTIFIER,
    "NonMaxSuppression": _DECISION,
    "QLinearConv": _QUANTIZED,
    "QLinearMatMul": _QUANTIZED,
    "QuantizeLinear": _QUANTIZED,
    "RMSNormalization": _NORMALIZATION,
    "RNN": _RECURRENT,
    "Scan": _RECURRENT,
    "Shrink": _RECTIFIER,
    "ThresholdedRelu": _RECTIFIER,
    "TopK": _DECISION,
}


def advice(op: str, domain: str) -> str:
    """Return what to do about an op that is not in the table."""
    if domain not in ("", "ai.onnx"):
        return f"Export the model with standard ops alone, without optimisations or ops of '{domain}'."
    return _ADVICE.get(op, "Replace it, or cut the model before it with onnx.utils.extract_model.")
