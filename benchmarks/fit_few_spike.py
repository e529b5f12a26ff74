"""Fits the tables of few-spike neurons: python benchmarks/fit_few_spike.py [function ...]

For each function it searches for thresholds T, resets h and messages d of 16 steps (`FewSpikeNeuron`) that make the
sum of the messages come close to the function in [-8, 8], and writes all tables to
snntoolbox/codes/few_spike_tables.json. Given T and h, the spikes of every input are fixed, and d follows from them by
least squares; T and h are found by random search from many starts. Errors count as often as inputs do: half of them are
spread evenly, half are normal numbers of standard deviation 1.5. Two minutes a function.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STEPS, RANGE, SECONDS = 16, 8.0, 110
TABLES = Path(__file__).parents[1] / "snntoolbox" / "codes" / "few_spike_tables.json"


def _gelu(x: Any) -> Any:
    from math import erf

    return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": _gelu,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "softplus": lambda x: np.logaddexp(x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
}


def spikes(thresholds: Any, resets: Any, x: Any) -> Any:
    """Return the spikes of each input, shape (steps, inputs)."""
    u, rows = x.copy(), np.empty((len(thresholds), len(x)), np.float64)
    for row, threshold, reset in zip(rows, thresholds, resets, strict=True):
        np.greater_equal(u, threshold, out=row)
        u -= reset * row
    return rows


class Fit:
    """Search for the table of one function."""

    def __init__(self, function: Callable[[Any], Any], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        even = np.linspace(-RANGE, RANGE, 600)
        normal = np.clip(self.rng.normal(scale=1.5, size=600), -RANGE, RANGE)
        self.x = np.concatenate([even, normal])
        self.y = function(self.x)

    def messages(self, table: Any) -> tuple[Any, float]:
        """Return the best messages for thresholds and resets, and the mean squared error."""
        rows = spikes(*table, self.x)
        gram = rows @ rows.T + 1e-7 * np.eye(len(rows))
        found = np.linalg.solve(gram, rows @ self.y)
        return found, float(np.mean((found @ rows - self.y) ** 2))

    def start(self) -> Any:
        """Return thresholds and resets: shift all inputs above 0, then halve again and again, a little at random."""
        parts = 2.0 * RANGE * 2.0 ** -np.arange(1, STEPS)
        spread = self.rng.choice([1.0, 0.6, 0.75])
        parts = 2 * RANGE * spread ** np.arange(1, STEPS) if spread < 1 else parts
        table = np.stack([np.r_[-RANGE - 1, parts], np.r_[-RANGE, parts]])
        table[:, 1:] *= np.exp(self.rng.normal(scale=0.3, size=(2, STEPS - 1)))
        return table

    def improve(self, table: Any, until: float) -> tuple[float, Any]:
        """Change some numbers at random, and keep what is better."""
        error, size = self.messages(table)[1], 0.5
        while time.monotonic() < until:
            changed = table.copy()
            places = self.rng.integers(1, STEPS, size=self.rng.integers(1, 4))
            which = self.rng.integers(0, 2, size=len(places))
            step = size * 10 ** -self.rng.uniform(0, 3)
            changed[which, places] += self.rng.normal(size=len(places)) * step * (np.abs(changed[which, places]) + 0.2)
            after = self.messages(changed)[1]
            if after < error:
                table, error = changed, after
        return error, table

    def run(self, seconds: float) -> tuple[Any, Any, Any]:
        """Return T, h and d."""
        begin = time.monotonic()
        starts, share = 24, 0.4 * seconds / 24
        found = [self.improve(self.start(), begin + (i + 1) * share) for i in range(starts)]
        found.sort(key=lambda one: one[0])
        rest = [
            self.improve(table, begin + 0.4 * seconds + (i + 1) * 0.2 * seconds)
            for i, (_, table) in enumerate(found[:3])
        ]
        _, best = min(rest, key=lambda one: one[0])
        return (*best, self.messages(best)[0])


def main() -> None:
    """Fit what is asked for, or everything."""
    tables = json.loads(TABLES.read_text()) if TABLES.is_file() else {}
    for name in sys.argv[1:] or FUNCTIONS:
        fit = Fit(FUNCTIONS[name], seed=0)
        thresholds, resets, messages = (np.round(part, 6) for part in fit.run(SECONDS))
        x = np.linspace(-RANGE, RANGE, 4001)
        error = messages @ spikes(thresholds, resets, x) - FUNCTIONS[name](x)
        rms, inner = (float(np.sqrt(np.mean(error[np.abs(x) <= limit] ** 2))) for limit in (RANGE, 2))
        print(f"{name}: rms error {rms:.4f} in [-8, 8], {inner:.4f} in [-2, 2], largest {np.abs(error).max():.4f}")
        tables[name] = {
            "thresholds": list(thresholds),
            "resets": list(resets),
            "messages": list(messages),
            "rms_error": round(rms, 5),
        }
        TABLES.write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    main()
