"""What can be translated, by Keras's class name: one row a layer or operation, and advice for the rest."""

from __future__ import annotations

from snntoolbox.frontends.keras import activations, layout, linear, operations
from snntoolbox.frontends.keras.calls import Translator

__all__ = ["ADVICE", "LAYERS", "OPERATIONS", "REMOVED_LAYERS", "REMOVED_OPERATIONS", "advice"]

LAYERS: dict[str, Translator] = {
    "Dense": linear.dense,
    "Conv1D": linear.conv,
    "Conv2D": linear.conv,
    "Conv3D": linear.conv,
    "DepthwiseConv1D": linear.depthwise_conv,
    "DepthwiseConv2D": linear.depthwise_conv,
    "SeparableConv1D": linear.separable_conv,
    "SeparableConv2D": linear.separable_conv,
    "Conv1DTranspose": linear.conv_transpose,
    "Conv2DTranspose": linear.conv_transpose,
    "Conv3DTranspose": linear.conv_transpose,
    "BatchNormalization": linear.batch_normalization,
    "Normalization": linear.normalization,
    "Rescaling": linear.rescaling,
    "Activation": activations.activation,
    "ReLU": activations.of_layer,
    "LeakyReLU": activations.of_layer,
    "PReLU": activations.of_layer,
    "QuantizedReLU": activations.of_layer,
    "ELU": activations.of_layer,
    "Softmax": activations.of_layer,
    "MaxPooling1D": layout.max_pooling,
    "MaxPooling2D": layout.max_pooling,
    "MaxPooling3D": layout.max_pooling,
    "AveragePooling1D": layout.average_pooling,
    "AveragePooling2D": layout.average_pooling,
    "AveragePooling3D": layout.average_pooling,
    "GlobalMaxPooling1D": layout.global_max_pooling,
    "GlobalMaxPooling2D": layout.global_max_pooling,
    "GlobalMaxPooling3D": layout.global_max_pooling,
    "GlobalAveragePooling1D": layout.global_average_pooling,
    "GlobalAveragePooling2D": layout.global_average_pooling,
    "GlobalAveragePooling3D": layout.global_average_pooling,
    "Flatten": layout.flatten,
    "Reshape": layout.reshape,
    "Permute": layout.permute,
    "RepeatVector": layout.repeat_vector,
    "ZeroPadding1D": layout.zero_padding,
    "ZeroPadding2D": layout.zero_padding,
    "ZeroPadding3D": layout.zero_padding,
    "Cropping1D": layout.cropping,
    "Cropping2D": layout.cropping,
    "Cropping3D": layout.cropping,
    "UpSampling1D": layout.up_sampling,
    "UpSampling2D": layout.up_sampling,
    "UpSampling3D": layout.up_sampling,
    "Concatenate": layout.concatenate,
    "Add": layout.add,
    "Subtract": layout.subtract,
    "Average": layout.average,
}
"""Layers."""

OPERATIONS: dict[str, Translator] = {
    "Add": operations.add,
    "Subtract": operations.subtract,
    "Multiply": operations.multiply,
    "Divide": operations.divide,
    "TrueDivide": operations.divide,
    "Negative": operations.negative,
    "Maximum": operations.maximum,
    "Clip": operations.clip,
    "Mean": operations.mean,
    "Max": operations.spatial_maximum,
    "Reshape": operations.reshape,
    "ExpandDims": operations.expand_dims,
    "Squeeze": operations.squeeze,
    "Transpose": operations.transpose,
    "Concatenate": operations.concatenate,
    "Pad": operations.pad,
    "GetItem": operations.get_item,
    "Cast": operations.cast,
    "Relu": activations.of_operation("relu"),
    "Relu6": activations.of_operation("relu6"),
    "LeakyRelu": activations.of_layer,
    "Elu": activations.of_layer,
    "Softmax": activations.of_layer,
    "LogSoftmax": activations.of_layer,
    "Gelu": activations.gelu,
    "Exp": activations.of_operation("exponential"),
    "HardSigmoid": activations.of_operation("hard_sigmoid"),
    "Selu": activations.of_operation("selu"),
    "Sigmoid": activations.of_operation("sigmoid"),
    "Silu": activations.of_operation("silu"),
    "Softplus": activations.of_operation("softplus"),
    "Softsign": activations.of_operation("softsign"),
    "Tanh": activations.of_operation("tanh"),
}
"""Operations of `keras.ops` outside layers."""

REMOVED_LAYERS = frozenset(
    {
        "ActivityRegularization",
        "AlphaDropout",
        "Dropout",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
        "RandomBrightness",
        "RandomContrast",
        "RandomFlip",
        "RandomRotation",
        "RandomTranslation",
        "RandomZoom",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
    }
)
"""Layers that do nothing but in training."""

REMOVED_OPERATIONS = frozenset({"Copy", "StopGradient"})
"""Operations that change no value."""

_RECURRENT = "Recurrent layers cannot be converted; Conv1D or Dense over a window of time can."
_ATTENTION = "Attention multiplies activations and cannot be converted; use convolutions."
_NORMALISATION = "It depends on each sample's own statistics; BatchNormalization becomes constants and can be taken."
_PRODUCT = "Only a product with a constant is linear; gates and squeeze-and-excite blocks cannot be converted."
_LARGER = "Use MaxPooling over a new axis, or Add."
_CUSTOM = "Build it from Keras's own layers (Sequential or functional), with the same weights."

ADVICE: dict[str, str] = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D"), _RECURRENT),
    **dict.fromkeys(("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"), _ATTENTION),
    **dict.fromkeys(
        ("LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization"), _NORMALISATION
    ),
    **dict.fromkeys(("Multiply", "Dot", "Matmul", "Einsum"), _PRODUCT),
    **dict.fromkeys(("Maximum", "Minimum"), _LARGER),
    "Embedding": "Give the embedded vectors as input samples.",
    "Lambda": "Replace it by the layer or keras.ops function it computes, so that the graph shows it.",
    "Masking": "Give sequences of one length.",
    "Resizing": "Resize the samples beforehand, or use UpSampling or AveragePooling.",
    "TimeDistributed": "Dense acts on the last axis by itself; for convolutions use the layer of one more axis.",
}
"""What to do about layers that cannot be taken."""


def advice(kind: str, *, is_keras: bool) -> str:
    """Return what to do about a layer or operation that is not in the tables."""
    if not is_keras:
        return _CUSTOM
    return ADVICE.get(kind, "Replace it, or cut the model before it: keras.Model(model.inputs, its_input).")
