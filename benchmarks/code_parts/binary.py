"""A binarised network on MNIST, activations -1 and 1 or 0 and 1: error of the first decision and of the last."""

import numpy as np

import snntoolbox


def run(setup):
    """Train both networks, and measure them with constant and with Poisson input."""
    found, rows = {}, []
    for activation in ("sign", "heaviside"):
        task = trained(setup, activation)
        for name, steps, options in (("constant", 10, {}), ("Poisson", 50, {"poisson_rate": 1.0})):
            graph = snntoolbox.convert(task.graph, spike_code="rate", **options)
            result = found[f"{activation}, {name}"] = task.measure(graph, steps, over_time=True) | {
                "ann": task.ann_error
            }
            shown = (result["errors"][i] for i in (0, 1, 4, 9, steps - 1))
            rows.append((activation, name, *(f"{100 * e:.2f}" for e in (task.ann_error, *shown)), steps))
            print(*rows[-1], flush=True)
    columns = ("Activation", "Input", "ANN error %", "1 step", "2", "5", "10", "last", "Steps")
    setup.table(f"784-256-256-10 with binary weights and activations, {len(task.x)} images", columns, rows)
    return found


def trained(setup, activation):
    """Return a dense network with weights of -1 and 1, trained in a few minutes."""
    import keras
    from code_setup import Task
    from keras import layers

    from snntoolbox.training import binary

    keras.utils.set_random_seed(0)
    parts = [keras.Input((28, 28, 1)), layers.Flatten()]
    for number in (1, 2):
        parts.append(binary.BinaryDense(256, use_bias=False, name=f"dense{number}"))
        parts.append(layers.BatchNormalization(name=f"norm{number}"))
        parts.append(layers.Activation(getattr(binary, activation), name=f"act{number}"))
    parts += [binary.BinaryDense(10, use_bias=False, name="dense3"), layers.BatchNormalization(name="norm3")]
    model = keras.Sequential(parts)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    (x, y), _ = setup.mnist
    epochs, count = (1, 2000) if setup.quick else (4, 25000)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * (count // 250))
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(x[:count], np.asarray(y)[:count], batch_size=250, epochs=epochs, verbose=0)
    return Task(binary.with_binary_weights(model), setup.mnist, setup.samples)
