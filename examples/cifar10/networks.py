"""The networks of the CIFAR-10 example, in PyTorch: ResNets, the same without shortcuts, a VGG, and a MobileNet.

They take images in [0, 1] of shape (batch, 3, 32, 32) and give logits of shape (batch, 10).
"""

from torch import nn
from torch.nn import functional as F

CLASSES = 10


def convolution(inputs, outputs, size=3, strides=1, groups=1):
    """Convolution without bias, followed by batch normalisation."""
    conv = nn.Conv2d(inputs, outputs, size, strides, size // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions; with ``shortcut``, their input is added before the last ReLU (He et al. 2015, figure 2)."""

    def __init__(self, inputs, outputs, strides, shortcut):
        super().__init__()
        self.first = convolution(inputs, outputs, strides=strides)
        self.second = convolution(outputs, outputs)
        same = strides == 1 and inputs == outputs
        self.shortcut = None if not shortcut else nn.Identity() if same else convolution(inputs, outputs, 1, strides)

    def forward(self, x):
        y = self.second(F.relu(self.first(x)))
        return F.relu(y if self.shortcut is None else y + self.shortcut(x))


class Pooled(nn.Module):
    """Features, their mean over space, and a dense layer."""

    def __init__(self, features, channels):
        super().__init__()
        self.features, self.classes = features, nn.Linear(channels, CLASSES)

    def forward(self, x):
        return self.classes(self.features(x).mean((2, 3)))


def resnet(depth=20, shortcut=True):
    """Return a ResNet of depth 6n + 2 for 32 x 32 images (He et al. 2015, section 4.2), or its plain twin."""
    parts, channels = [convolution(3, 16), nn.ReLU()], 16
    for stage, outputs in enumerate((16, 32, 64)):
        for block in range((depth - 2) // 6):
            parts.append(Block(channels, outputs, 2 if stage and not block else 1, shortcut))
            channels = outputs
    return Pooled(nn.Sequential(*parts), channels)


def vgg():
    """Return a small VGG: three pairs of convolutions, each followed by max-pooling, and two dense layers."""
    parts, channels = [], 3
    for outputs in (32, 64, 128):
        parts += [convolution(channels, outputs), nn.ReLU(), convolution(outputs, outputs), nn.ReLU(), nn.MaxPool2d(2)]
        channels = outputs
    dense = [nn.Flatten(), nn.Dropout(0.3), nn.Linear(4 * 4 * channels, 256), nn.ReLU(), nn.Linear(256, CLASSES)]
    return nn.Sequential(*parts, *dense)


def mobilenet():
    """Return a small MobileNet: depthwise separable convolutions (Howard et al. 2017, table 1, cut to size)."""
    parts, channels = [convolution(3, 32), nn.ReLU()], 32
    for outputs, strides in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        depthwise = convolution(channels, channels, strides=strides, groups=channels)
        parts += [depthwise, nn.ReLU(), convolution(channels, outputs, size=1), nn.ReLU()]
        channels = outputs
    return Pooled(nn.Sequential(*parts), channels)


NETWORKS = {
    "resnet20": resnet,
    "plain20": lambda: resnet(shortcut=False),
    "resnet32": lambda: resnet(32),
    "resnet44": lambda: resnet(44),
    "vgg": vgg,
    "mobilenet": mobilenet,
}
