"""Train one of the networks of this example on CIFAR-10 with PyTorch and write it as ``<name>.onnx``.

    python train.py resnet20 --epochs 16 --data cifar10.npz

An epoch of ResNet-20 takes a bit over a minute on two cores, two minutes on one. The files beside this one were trained
with 16 epochs (resnet20), 12 (vgg, plain20) and 8 (mobilenet).
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from data import load
from networks import NETWORKS
from torch.nn import functional as F

BATCH = 128
PADDING = 4


def tensors(x, y):
    """Return images in PyTorch's order of axes, and labels."""
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last), torch.from_numpy(y)


def augmented(x, generator):
    """Return images flipped at random, and cut at random out of a frame four pixels wider on each side."""
    n, _, height, width = x.shape
    x = F.pad(x, (PADDING,) * 4)
    top, left = (torch.randint(0, 2 * PADDING + 1, (n, 1), generator=generator) for _ in range(2))
    rows, columns = top + torch.arange(height), left + torch.arange(width)
    flip = torch.rand(n, 1, generator=generator) < 0.5
    columns = torch.where(flip, columns.flip(1), columns)
    return x[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def accuracy(model, x, y):
    """Return the share of images whose class is found."""
    model.eval()
    with torch.inference_mode():
        right = [(model(a).argmax(1) == b).float() for a, b in zip(x.split(500), y.split(500), strict=True)]
    return torch.cat(right).mean().item()


def train(model, x, y, held_out, epochs, peak_rate):
    """Train with stochastic gradient descent, its rate rising for a tenth of the time and falling to 0 in the rest."""
    generator = torch.Generator().manual_seed(0)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, peak_rate, momentum=0.9, nesterov=True)
    steps = epochs * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak_rate, steps, pct_start=0.1, cycle_momentum=False)
    for epoch in range(1, epochs + 1):
        model.train()
        start, losses = time.perf_counter(), []
        for chosen in torch.randperm(len(x), generator=generator).split(BATCH)[: len(x) // BATCH]:
            loss = F.cross_entropy(model(augmented(x[chosen], generator)), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seconds = time.perf_counter() - start
        print(f"epoch {epoch}: loss {np.mean(losses):.3f}, {accuracy(model, *held_out):.4f} right, {seconds:.0f} s")


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.1, help="largest learning rate")
    parser.add_argument("--threads", type=int, help="threads of PyTorch")
    parser.add_argument("--data", type=Path, help=".npz file; downloaded by Keras if not given")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()

    torch.manual_seed(0)
    if options.threads:
        torch.set_num_threads(options.threads)
    data, held_out = (tensors(*part) for part in load(options.data))
    model = NETWORKS[options.network]().to(memory_format=torch.channels_last)
    train(model, *data, held_out, options.epochs, options.rate)
    path = options.output / f"{options.network}.onnx"
    names = {"input_names": ["images"], "output_names": ["logits"], "dynamic_axes": {"images": {0: "batch"}}}
    torch.onnx.export(model.eval(), (held_out[0][:1],), str(path), dynamo=False, **names)
    print(f"{path}: {accuracy(model, *held_out):.4f} of {len(held_out[1])} held-out images right")


if __name__ == "__main__":
    main()
