"""Times SNN Toolbox 0.6 on the network of benchmarks/simulator.py; runs in an environment that has it.

Arguments: folder with network.npz, number of steps, batch size. Prints one line of JSON: microseconds of one step of
one sample, over several batches. Only the loop over time is timed (`SNN.simulate`), with nothing logged, so neither
spike counts nor the evaluation of each batch are included.
"""

import configparser
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

ROUNDS = 5


def write_model(folder: Path, weights: list) -> None:
    """Save the network as Keras 2 does."""
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Conv2D(16, 5, activation="relu", input_shape=(28, 28, 1)),
            layers.AveragePooling2D(2),
            layers.Conv2D(32, 5, activation="relu"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.set_weights(weights)
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    model.save(folder / "ann.h5")


def write_data(folder: Path, data: dict, num_samples: int) -> None:
    """Save samples and the ANN's own decisions as labels."""
    x = np.resize(data["x"], (num_samples, *data["x"].shape[1:]))
    np.savez(folder / "x_norm.npz", data["x_norm"])
    np.savez(folder / "x_test.npz", x)
    np.savez(folder / "y_test.npz", np.eye(10, dtype=np.float32)[np.arange(num_samples) % 10])


def write_config(folder: Path, num_steps: int, batch: int, num_samples: int) -> Path:
    """Save the config of the run."""
    config = configparser.ConfigParser()
    config["paths"] = {"path_wd": folder, "dataset_path": folder, "filename_ann": "ann", "runlabel": f"batch_{batch}"}
    config["tools"] = {"evaluate_ann": False, "normalize": True}
    config["simulation"] = {
        "simulator": "INI",
        "duration": num_steps,
        "batch_size": batch,
        "num_to_test": num_samples,
        "keras_backend": "tensorflow",
    }
    config["output"] = {"plot_vars": {}, "log_vars": {}}
    path = folder / f"config_{batch}"
    with path.open("w") as file:
        config.write(file)
    return path


def main() -> None:
    folder, num_steps, batch = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    data = dict(np.load(folder / "network.npz"))
    num_samples = batch * (ROUNDS + 1)
    write_model(folder, [data[f"w{i}"] for i in range(8)])
    write_data(folder, data, num_samples)
    path = write_config(folder, num_steps, batch, num_samples)

    from snntoolbox.bin.run import main as run
    from snntoolbox.simulation.target_simulators import INI_temporal_mean_rate_target_sim as target

    seconds = []
    simulate = target.SNN.simulate

    def timed(self, **kwargs):  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        result = simulate(self, **kwargs)
        seconds.append(time.perf_counter() - start)
        return result

    target.SNN.simulate = timed
    run(str(path))
    each = [1e6 * s / (batch * num_steps) for s in seconds[1:]]  # the first one traces
    line = {"peer": "SNN Toolbox 0.6", "batch_size": batch, "median": statistics.median(each), "best": min(each)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
