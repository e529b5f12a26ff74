"""Run by benchmarks/backends.py with an interpreter of its own: NIR files of the toolbox in other tools.

    pip install torch==2.13.0 snntorch==1.0.0 nir==1.0.8 nirtorch
    pip install --no-deps spikingjelly==2.0.0 norse==1.1.0

For each network and tool: on how many images does it decide as the toolbox does, as the tool imports the file and with
what the file cannot say to it set by hand (reset by subtraction, no leak). Prints a list in JSON as its last line.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch


def outputs(net: Any, x: torch.Tensor, steps: int) -> np.ndarray:
    """Return the summed outputs of each image; images go in one by one, as the file's shapes have no batch."""
    sums = []
    for image in x:
        state, total = None, 0.0
        for _ in range(steps):
            out, state = net(image, state)
            total = total + out.detach().numpy().ravel()
        sums.append(total / steps)
    return np.array(sums)


def snntorch_net(graph: Any, repaired: bool) -> Any:
    """Return the network in snnTorch; repaired: `IF` with a state of its own, and without a leak."""
    import snntorch
    from snntorch.import_nir import import_from_nir

    net = import_from_nir(graph)
    if repaired:
        for parent in list(net.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, snntorch.Leaky):
                    neuron = snntorch.Leaky(beta=1.0, threshold=child.threshold, init_hidden=True, reset_delay=False)
                    setattr(parent, name, neuron)

    def step(image: Any, state: Any) -> Any:
        if state is None:
            snntorch.Leaky.reset_hidden()
        out = net(image)
        return (out[0] if isinstance(out, tuple) else out), True

    return step if repaired else net


def spikingjelly_net(graph: Any, repaired: bool) -> Any:
    """Return the network in SpikingJelly; repaired: reset by subtraction, which NIR has no word for."""
    from spikingjelly.activation_based import neuron
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    net = import_from_nir(graph, dt=1.0)
    for module in net.modules():
        if isinstance(module, neuron.IFNode) and repaired:
            module.v_reset = None
    return lambda x, state: net(x[None], state)


def norse_net(graph: Any, repaired: bool) -> Any:
    """Return the network in Norse; repaired: reset by subtraction."""
    import norse.torch as norse
    from norse.torch.functional.reset import reset_subtract

    net = norse.from_nir(graph, ignore_warnings=True)
    for module in net.modules():
        if isinstance(module, norse.IAFCell) and repaired:
            module.p = module.p._replace(reset_method=reset_subtract)
    return net


TOOLS = {"snnTorch": snntorch_net, "SpikingJelly": spikingjelly_net, "Norse": norse_net}


def main() -> None:
    """Try every tool on every network."""
    folder, *networks = sys.argv[1:]
    lines = []
    for name in networks:
        data = np.load(Path(folder) / f"{name}.npz")
        x, expected = torch.from_numpy(data["x"]).float(), data["outputs"]
        for tool, make in TOOLS.items():
            for repaired in (False, True):
                label = f"{tool}, {'set by hand' if repaired else 'as imported'}"
                try:
                    with contextlib.redirect_stdout(io.StringIO()):
                        got = outputs(make(nir.read(Path(folder) / f"{name}.nir"), repaired), x, int(data["steps"]))
                    same = int((got.argmax(1) == expected.argmax(1)).sum())
                    right = int((got.argmax(1) == data["y"]).sum())
                    error = float(np.abs(torch.tensor(got).softmax(1).numpy() - expected).max())
                    result = f"same class on {same} of {len(x)} images, right on {right}, outputs within {error:.1e}"
                    lines.append({"network": name, "tool": label, "same": same, "right": right, "result": result})
                except Exception as problem:  # noqa: BLE001 (what fails, and how, is the result)
                    text = f"{type(problem).__name__}: {str(problem).strip().splitlines()[0] if str(problem) else ''}"
                    lines.append({"network": name, "tool": label, "same": None, "result": f"fails: {text}"})
    sys.stdout.write(json.dumps(lines) + "\n")


if __name__ == "__main__":
    main()
