"""Networks of keras.applications at full resolution: read, converted and simulated."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIZES = {
    "MobileNet": 224,
    "MobileNetV2": 224,
    "ResNet50V2": 224,
    "ResNet50": 224,
    "DenseNet121": 224,
    "InceptionV3": 299,
    "Xception": 299,
    "NASNetMobile": 224,
    "VGG16": 224,
}
"""Name in keras.applications -> height and width of its input."""
SIMULATED = ("ResNet50", "InceptionV3", "VGG16", "MobileNet")
MEMORY_GB = 12.0
NUM_STEPS = 10


def photos(count: int, size: int, seed: int) -> np.ndarray:
    """Return random crops of the photographs that scikit-learn ships, (count, size, size, 3), values in [-1, 1]."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    images = load_sample_images().images
    crops = []
    for number in range(count):
        image = images[number % len(images)]
        top, left = (int(rng.integers(n - size + 1)) for n in image.shape[:2])
        crop = image[top : top + size, left : left + size]
        crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
    return (np.stack(crops) / 127.5 - 1).astype(np.float32)


def randomize(model: Any, x: np.ndarray, seed: int) -> None:
    """Give a network random weights with which activations neither vanish nor explode.

    Kernels follow He et al. 2015; biases, gamma and beta are random. Moving statistics are those of the batch x, as one
    step of training leaves them, then disturbed, so that batch norm does not come out as the identity or as exact
    whitening anywhere.
    """
    import keras

    rng = np.random.default_rng(seed)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in model._flatten_layers(include_self=False):
        for weight in layer.trainable_weights if not getattr(layer, "layers", None) else ():
            shape = tuple(weight.shape)
            if weight.name == "bias":
                weight.assign(rng.normal(0, 0.05, shape))
            elif "kernel" in weight.name:
                depthwise = weight.name == "depthwise_kernel" or isinstance(layer, keras.layers.DepthwiseConv2D)
                fan_in = np.prod(shape[:2]) if depthwise else np.prod(shape[:-1])
                values = rng.standard_normal(shape, dtype=np.float32)
                values *= np.float32((2 / fan_in) ** 0.5)
                weight.assign(values)
            elif weight.name == "gamma":
                weight.assign(rng.uniform(0.5, 1.5, shape))
            elif weight.name == "beta":
                weight.assign(rng.normal(0, 0.3, shape))
    if not norms:
        return
    kept = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(x, training=True)
    for layer, momentum in zip(norms, kept, strict=True):
        layer.momentum = momentum
        mean, variance = (np.asarray(w) for w in (layer.moving_mean, layer.moving_variance))
        layer.moving_mean.assign(mean + 0.1 * np.sqrt(variance) * rng.normal(size=mean.shape))
        layer.moving_variance.assign(variance * rng.uniform(0.8, 1.25, variance.shape) + 1e-3)


def application(name: str) -> tuple[Any, np.ndarray]:
    """Return a network with random weights, without its last softmax, and 8 photographs of its size."""
    import keras

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None, classifier_activation=None)
    x = photos(8, SIZES[name], seed=0)
    randomize(model, x, seed=1)
    return model, x


def parse_application(name: str) -> dict[str, Any]:
    """Read a network, and compare outputs on 4 photographs."""
    from network_lines.comparison import compared

    from snntoolbox.frontends.keras import KerasFrontend

    model, x = application(name)
    return compared(KerasFrontend(), model, x[:4])


def simulate_application(name: str) -> dict[str, Any]:
    """Convert a network, calibrated on 4 photographs, and simulate another one for `NUM_STEPS` steps."""
    import tensorflow as tf

    from snntoolbox import convert, parse
    from snntoolbox.api import encode, load_backend

    model, x = application(name)
    forward = tf.function(lambda images: model(images, training=False))
    one = tf.constant(x[:1])
    start = time.perf_counter()
    graph = parse(model)
    spiking = convert(graph, x[4:], batch_size=1)
    convert_seconds = time.perf_counter() - start
    convert_gb = _peak_gb()
    del graph
    start = time.perf_counter()
    with load_backend("tensorflow").compile(spiking, batch_size=1) as simulation:

        def run() -> Any:
            simulation.reset()
            return simulation.run(encode(spiking, x[:1]), NUM_STEPS)

        record = run()
        first_seconds = time.perf_counter() - start
        forward(one).numpy()
        # In turns, so that other work on the machine hits both alike.
        times = np.array([(_seconds(lambda: forward(one).numpy(), 3), _seconds(run, 1)) for _ in range(5)])
    forward_seconds, seconds = np.median(times, axis=0)
    peak = _peak_gb()
    return {
        "peak_gb": peak,
        "peak_gb_after_convert": convert_gb,
        "step_over_forward": seconds / NUM_STEPS / forward_seconds,
        "forward_seconds": forward_seconds,
        "convert_seconds": convert_seconds,
        "first_run_seconds": first_seconds,
        "spikes": sum(int(counts.sum()) for counts in record.spike_counts.values()),
        "neurons": sum(spiking.size(layer) for layer in spiking.neurons),
        "passed": bool(peak <= MEMORY_GB and np.isfinite(record.output).all()),
    }


def _seconds(action: Callable[[], Any], count: int) -> float:
    """Return how long an action takes, the mean of some in a row."""
    start = time.perf_counter()
    for _ in range(count):
        action()
    return (time.perf_counter() - start) / count


def _peak_gb() -> float:
    """Return the largest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
