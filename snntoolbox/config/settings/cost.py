"""Section [cost]: what operations cost, and which codes would fit the activations."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from snntoolbox.config.settings.option_types import Section

__all__ = ["Cost"]


class Cost(Section):
    """What a sample costs, with and without spikes; see docs/cost.md."""

    profiles: tuple[str, ...] = Field(
        description="Cost profiles that operations are multiplied with: names of profiles that come with the toolbox "
        "(docs/cost.md lists them) or are in `profile_file`; `all` for every one. Empty: no energies."
    )
    profile_file: Path | None = Field(
        description="A TOML or JSON file with cost profiles of your own, in the form that docs/cost.md describes."
    )
    weight_bits: int = Field(
        ge=0, le=64, description="Width of a weight, for profiles whose prices depend on it. 0: that of the profile."
    )
    activation_bits: int = Field(
        ge=0,
        le=64,
        description="Width of an activation or of a neuron's state, in the same way. 0: that of the profile.",
    )
    entropy_codes: bool = Field(
        description="Compare codes (unary, binary, ternary, Fibonacci, Elias, Golomb, Rice, Huffman) on the "
        "distribution of the normalised activations: mean length of a word, and Kullback-Leibler divergence."
    )
    entropy_bits: int = Field(
        ge=1, le=16, description="Width that activations are rounded to before codes are compared."
    )
