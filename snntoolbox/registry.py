"""Name -> class, for everything a user may choose by name or a third party may add.

A registry is one dictionary of lazy paths (``module:attribute``) plus the entry points of one group, so a built-in
needs no installation, a plug-in needs no change here, and nothing is imported before it is asked for.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from snntoolbox.errors import RegistryError

__all__ = ["BACKENDS", "CODES", "FRONTENDS", "PASSES", "Registry", "load_object", "suggest"]


def suggest(word: str, known: list[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known word, or an empty string."""
    lower = {k.lower(): k for k in known}
    match = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    return f" Did you mean '{lower[match[0]]}'?" if match else ""


def load_object(path: str) -> Any:
    """Import ``module:attribute`` (a dotted path to a class or function).

    Raises:
        RegistryError: The module or attribute does not exist; the message keeps the importer's own words.
    """
    module_name, _, attribute = path.partition(":")
    if not attribute:
        module_name, _, attribute = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise RegistryError(f"cannot load '{path}': {error}. Expected 'package.module:Name'.") from error


@dataclass(frozen=True)
class Registry:
    """Names of one kind of part.

    Attributes:
        kind: What is registered, as a message names it (``backend``).
        group: Entry-point group in which third parties register theirs (``snntoolbox.backends``).
        builtins: Name -> lazy path of the parts shipped with the package.
        aliases: Other names of built-ins, such as those of the original toolbox.
    """

    kind: str
    group: str
    builtins: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def plugins(self) -> dict[str, EntryPoint]:
        """Return the third-party entry points of this group.

        Raises:
            RegistryError: Two plug-ins, or a plug-in and a built-in, claim one name.
        """
        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.group):
            if point.name in self.builtins or point.name in self.aliases or found.get(point.name, point) != point:
                raise RegistryError(f"{self.kind} '{point.name}' is registered twice; the second is {point.value}")
            found[point.name] = point
        return found

    def names(self) -> list[str]:
        """Return all registered names, built-ins first, without aliases."""
        return [*self.builtins, *sorted(self.plugins())]

    def canonical(self, name: str) -> str:
        """Return the registered name that ``name`` (any case, or an alias) stands for.

        Raises:
            RegistryError: Nothing answers to the name; the message lists what does.
        """
        names = {n.lower(): n for n in self.names()} | {a.lower(): n for a, n in self.aliases.items()}
        if name.lower() not in names:
            known = [*self.names(), *self.aliases]
            raise RegistryError(
                f"unknown {self.kind} '{name}'.{suggest(name, known)} Known: {', '.join(known)}. "
                f"A plug-in adds one through the entry point '{self.group}'."
            )
        return names[name.lower()]

    def load(self, name: str) -> Any:
        """Import and return the class registered under ``name`` or an alias of it."""
        name = self.canonical(name)
        if name in self.builtins:
            return load_object(self.builtins[name])
        return self.plugins()[name].load()


FRONTENDS = Registry(
    "frontend",
    "snntoolbox.frontends",
    {
        "keras": "snntoolbox.frontends.keras:KerasFrontend",
        "onnx": "snntoolbox.frontends.onnx:OnnxFrontend",
        "nir": "snntoolbox.frontends.nir:NirFrontend",
    },
)

PASSES = Registry(
    "pass",
    "snntoolbox.passes",
    {
        "fold_batch_norm": "snntoolbox.passes.fold_batch_norm:FoldBatchNorm",
        "remove_identities": "snntoolbox.passes.remove_identities:RemoveIdentities",
        "replace_max_pooling": "snntoolbox.passes.replace_max_pooling:ReplaceMaxPooling",
        "quantize_weights": "snntoolbox.passes.quantize_weights:QuantizeWeights",
        "replace_softmax": "snntoolbox.passes.replace_softmax:ReplaceSoftmax",
        "rectify_outputs": "snntoolbox.passes.rectify_outputs:RectifyOutputs",
        "normalize_activations": "snntoolbox.passes.normalize_activations:NormalizeActivations",
        "normalize_stacked_layers": "snntoolbox.passes.shortcuts:NormalizeStackedLayers",
        "insert_neurons": "snntoolbox.passes.insert_neurons:InsertNeurons",
        "relax_biases": "snntoolbox.passes.clamp_layers:RelaxBiases",
        "clamp_layers": "snntoolbox.passes.clamp_layers:ClampLayers",
        "add_announcements": "snntoolbox.passes.add_announcements:AddAnnouncements",
        "add_latencies": "snntoolbox.passes.add_latencies:AddLatencies",
        "compensate_rates": "snntoolbox.passes.adjust_neurons:CompensateRates",
        "shift_biases": "snntoolbox.passes.shift_biases:ShiftBiases",
        "set_potentials": "snntoolbox.passes.adjust_neurons:SetPotentials",
        "scale_thresholds": "snntoolbox.passes.adjust_neurons:ScaleThresholds",
        "hold_layers": "snntoolbox.passes.adjust_neurons:HoldLayers",
        "change_weights": "snntoolbox.passes.change_weights:ChangeWeights",
        "schedule_windows": "snntoolbox.passes.schedule_windows:ScheduleWindows",
    },
)

CODES = Registry(
    "spike code",
    "snntoolbox.codes",
    {
        "rate": "snntoolbox.codes.rate:RateCode",
        "rate_payload": "snntoolbox.codes.rate_payload:PayloadRateCode",
        "ttfs": "snntoolbox.codes.ttfs:TTFSCode",
        "ttfs_clamped": "snntoolbox.codes.ttfs_clamped:ClampedTTFSCode",
        "ttfs_exact": "snntoolbox.codes.ttfs_exact:ExactTTFSCode",
        "ttfs_dyn_thresh": "snntoolbox.codes.ttfs_dyn_thresh:DynamicThresholdCode",
        "temporal_pattern": "snntoolbox.codes.temporal_pattern:TemporalPatternCode",
        "few_spike": "snntoolbox.codes.few_spike:FewSpikeCode",
    },
    {"temporal_mean_rate": "rate"},
)

BACKENDS = Registry(
    "backend",
    "snntoolbox.backends",
    {
        "tensorflow": "snntoolbox.backends.tensorflow:TensorFlowBackend",
        "reference": "snntoolbox.backends.reference:ReferenceBackend",
        "loihi": "snntoolbox.backends.loihi:LoihiBackend",
        "brian2": "snntoolbox.backends.brian2:Brian2Backend",
        "nest": "snntoolbox.backends.pynn:NestBackend",
        "pynn_brian2": "snntoolbox.backends.pynn:PyNNBrian2Backend",
        "neuron": "snntoolbox.backends.pynn:NeuronBackend",
    },
    {"INI": "tensorflow", "pynn": "nest"},
)
