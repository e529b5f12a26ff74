"""Times SpikingJelly's ann2snn on the network of benchmarks/simulator.py; runs in an environment that has it.

Arguments: folder with network.npz, number of steps, batch size. Prints one line of JSON for each number of threads:
microseconds of one step of one sample. The network runs step by step (`step_mode` "s", which is faster on a CPU than
all steps at once), under `inference_mode`, and the output of every step is added up.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.ann2snn import Converter, RateCodingRecipe
from torch import nn

ROUNDS = 8


def lenet(weights: list) -> nn.Module:
    """Return the ANN, its weights turned from channels-last to channels-first."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 5),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    flat = weights[4].reshape(4, 4, 32, 128).transpose(2, 0, 1, 3).reshape(512, 128)
    arrays = [
        weights[0].transpose(3, 2, 0, 1),
        weights[1],
        weights[2].transpose(3, 2, 0, 1),
        weights[3],
        flat.T,
        weights[5],
        weights[6].T,
        weights[7],
    ]
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), arrays, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    return model.eval()


def main() -> None:
    folder, num_steps, batch = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    data = dict(np.load(folder / "network.npz"))
    ann = lenet([data[f"w{i}"] for i in range(8)])

    def images(name: str) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(data[name].transpose(0, 3, 1, 2)))

    calibration = [(part, None) for part in images("x_norm").split(100)]
    snn = Converter(RateCodingRecipe(dataloader=calibration, mode="99.9%")).convert(ann).eval()
    functional.set_step_mode(snn, "s")
    x = images("x")[:batch]

    def run() -> torch.Tensor:
        functional.reset_net(snn)
        total = torch.zeros(num_steps, len(x), 10)
        for step in range(num_steps):
            total[step] = snn(x)
        return total.cumsum(0)

    for threads in sorted({1, os.cpu_count() or 1}):
        torch.set_num_threads(threads)
        seconds = []
        with torch.inference_mode():
            run()
            for _ in range(ROUNDS):
                start = time.perf_counter()
                run()
                seconds.append(time.perf_counter() - start)
        each = [1e6 * s / (batch * num_steps) for s in seconds]
        peer = f"SpikingJelly, {threads} thread{'s'[: threads > 1]}"
        print(json.dumps({"peer": peer, "batch_size": batch, "median": statistics.median(each), "best": min(each)}))


if __name__ == "__main__":
    main()
