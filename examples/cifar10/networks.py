"""The networks of the CIFAR-10 example: ResNet, the same without shortcuts, and a small VGG with max-pooling."""

import keras
from keras import layers, regularizers

DECAY = 5e-4
CLASSES = 10


def _conv(x, filters, size=3, strides=1, name=None):
    """Convolution without bias, followed by batch normalisation."""
    x = layers.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=regularizers.L2(DECAY),
        name=name,
    )(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _block(x, filters, strides, name, shortcut):
    """Two convolutions; with ``shortcut``, their input is added before the last ReLU (He et al. 2015, figure 2)."""
    y = layers.ReLU(name=f"{name}_relu1")(_conv(x, filters, strides=strides, name=f"{name}_conv1"))
    y = _conv(y, filters, name=f"{name}_conv2")
    if shortcut:
        if strides > 1 or x.shape[-1] != filters:
            x = _conv(x, filters, size=1, strides=strides, name=f"{name}_shortcut")
        y = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_relu2")(y)


def resnet(depth=20, shortcut=True):
    """Return a ResNet for 32 x 32 images of depth 6n + 2 (He et al. 2015, section 4.2), or its plain twin."""
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU(name="stem_relu")(_conv(inputs, 16, name="stem"))
    for stage, filters in enumerate((16, 32, 64), start=1):
        for block in range(1, (depth - 2) // 6 + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _block(x, filters, strides, f"stage{stage}_block{block}", shortcut)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(CLASSES, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name=f"{'resnet' if shortcut else 'plain'}{depth}")


def vgg():
    """Return a small VGG: three pairs of convolutions, each followed by max-pooling, and two dense layers."""
    inputs = x = keras.Input((32, 32, 3))
    for stage, filters in enumerate((32, 64, 128), start=1):
        for number in (1, 2):
            name = f"conv{stage}_{number}"
            x = layers.ReLU(name=f"{name}_relu")(_conv(x, filters, name=name))
        x = layers.MaxPooling2D(name=f"pool{stage}")(x)
        x = layers.Dropout(0.2, name=f"dropout{stage}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(256, activation="relu", kernel_regularizer=regularizers.L2(DECAY), name="dense")(x)
    x = layers.Dropout(0.4, name="dropout4")(x)
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="classes")(x), name="vgg")


NETWORKS = {
    "resnet20": resnet,
    "plain20": lambda: resnet(shortcut=False),
    "resnet32": lambda: resnet(32),
    "resnet44": lambda: resnet(44),
    "vgg": vgg,
}
