"""Networks on MNIST with activations other than rectifiers, sent in few spikes: error and operations beside the ANN."""

import numpy as np
from code_setup import Task

import snntoolbox

FUNCTIONS = ("silu", "sigmoid", "gelu", "tanh")
TRAINED = 25000


def run(setup):
    """Train a network for each function, convert and measure it."""
    found, rows = {}, []
    for function in FUNCTIONS[:1] if setup.quick else FUNCTIONS:
        task = trained(setup, function)
        graph = snntoolbox.convert(task.graph, task.x_norm, spike_code="few_spike", num_bits=8, percentile=100.0)
        result = found[function] = task.measure(graph) | {"ann": task.ann_error}
        errors = (f"{100 * e:.2f}" for e in (result["ann"], result["error"], result["agreement"]))
        ratio = f"1 / {result['ann_operations'] / result['operations']:.1f}"
        rows.append(
            (function, *errors, f"{result['operations']:,.0f}", ratio, f"{result['spikes']:,.0f}", result["steps"])
        )
        print(*rows[-1], flush=True)
    columns = ("Activation", "ANN error %", "Error %", "As ANN %", "Operations", "of ANN's", "Spikes", "Steps")
    setup.table(f"Two convolutions and two dense layers, {len(task.x)} images", columns, rows)
    return found


def trained(setup, function):
    """Return a network with an activation behind each layer but the last, trained in under a minute."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 5, strides=2, activation=function, name="conv1"),
            layers.Conv2D(16, 3, strides=2, activation=function, name="conv2"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation=function, name="dense1"),
            layers.Dense(10, name="dense2"),
        ]
    )
    (x, y), _ = setup.mnist
    epochs, count = (1, 2000) if setup.quick else (4, TRAINED)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * (count // 100))
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x[:count], np.asarray(y)[:count], batch_size=100, epochs=epochs, verbose=0)
    return Task(model, setup.mnist, setup.samples)
