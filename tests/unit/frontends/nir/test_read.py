"""NIR graphs of other tools: what their nodes become, and what cannot be taken."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import nir
import numpy as np
import pytest

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.nir import NirFrontend
from snntoolbox.frontends.nir.files import make_graph
from snntoolbox.ir import ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire


def chain(*nodes, shape):
    """A NIR graph of nodes one after the other."""
    named = {"input": nir.Input(input_type={"input": np.array(shape)})}
    named |= {f"node{number}": node for number, node in enumerate(nodes)}
    named["output"] = nir.Output(output_type={"output": np.array(shape)})
    names = list(named)
    return make_graph(named, list(pairwise(names)), {})


def neuron(kind=nir.IF, **changes):
    """A neuron of NIR; `v_reset` came with version 1.0.6."""
    parameters = {"r": np.ones(3), "v_threshold": np.ones(3), "v_reset": np.zeros(3)} | changes
    known = [field.name for field in fields(kind)]
    made = kind(**{name: value for name, value in parameters.items() if name in known})
    made.v_reset = parameters["v_reset"]
    return made


def leaky(tau, **changes):
    return neuron(nir.LIF, **({"tau": np.asarray(tau, float), "v_leak": np.zeros(3)} | changes))


def model_of(graph, name="node0"):
    op = graph[name].op
    assert isinstance(op, ops.Spiking)
    return op.model


def test_resets_are_the_reader_s_choice():
    graph = chain(neuron(), shape=(3,))
    assert model_of(NirFrontend().parse(graph)).reset == "zero"
    assert model_of(NirFrontend(reset="subtract").parse(graph)).reset == "subtract"


def test_a_resistance_scales_the_input():
    graph = NirFrontend().parse(chain(neuron(r=np.array([1.0, 2.0, 3.0])), shape=(3,)))
    op = graph["node0.resistance"].op
    assert isinstance(op, ops.Affine)
    np.testing.assert_array_equal(op.scale, [1, 2, 3])


def test_leaky_neurons_by_one_step_of_euler():
    graph = chain(leaky([10, 10, 10]), shape=(3,))
    parsed = NirFrontend(dt=2.0).parse(graph)
    assert model_of(parsed).leak_factor == pytest.approx(0.8)
    op = parsed["node0.resistance"].op
    assert isinstance(op, ops.Affine) and op.scale == pytest.approx(0.2)


def test_outputs_that_are_no_neurons_are_summed():
    graph = NirFrontend().parse(chain(neuron(), nir.Linear(np.ones((2, 3))), shape=(3,)))
    assert isinstance(model_of(graph, graph.outputs[0]), Accumulator)


def test_spiking_outputs_stay():
    graph = NirFrontend().parse(chain(neuron(), shape=(3,)))
    assert graph.outputs == ("node0",)
    assert isinstance(model_of(graph), IntegrateAndFire)


def test_sum_pooling():
    two = np.array([2, 2])
    graph = NirFrontend().parse(chain(nir.SumPool2d(two, two, 0 * two), shape=(3, 4, 4)))
    op = graph["node0"].op
    assert isinstance(op, ops.Affine) and op.scale == 4
    assert graph.shapes["node0"] == (2, 2, 3)


@pytest.mark.parametrize(
    "padding, expected", [("same", ((1, 2), (1, 2))), ("valid", ((0, 0), (0, 0))), (1, ((1, 1),) * 2)]
)
def test_padding_in_words(padding, expected):
    conv = nir.Conv2d(None, np.ones((2, 3, 4, 4)), 1, padding, 1, 1, np.zeros(2))
    op = NirFrontend().parse(chain(conv, shape=(3, 8, 8)))["node0"].op
    assert isinstance(op, ops.Conv) and op.padding == expected and op.bias is None


REFUSED = {
    "v_leak": (leaky([5, 5, 5], v_leak=np.ones(3)), "expected v_leak = 0, got 1.0"),
    "v_reset": (neuron(v_reset=np.full(3, 0.5)), "expected v_reset = 0, got 0.5"),
    "tau": (leaky([0.5, 0.5, 0.5]), "expected time constants above dt = 1"),
    "taus": (leaky([5, 6, 7]), "expected one time constant"),
    "Threshold": (nir.Threshold(np.ones(3)), "expected one of Input, Affine"),
    "LI": (nir.LI(np.ones(3), np.ones(3), np.zeros(3)), "expected one of Input, Affine"),
    "shapes": (nir.Linear(np.ones((2, 5))), "expected an input of 5 features"),
}


@pytest.mark.parametrize("node, message", REFUSED.values(), ids=REFUSED)
def test_nodes_that_cannot_be_taken(node, message):
    with pytest.raises(UnsupportedError, match="cannot be taken") as error:
        NirFrontend().parse(chain(node, neuron(), shape=(3,)))
    assert f"node 'node0' ({type(node).__name__}): {message}" in str(error.value)


def test_recurrence_is_refused():
    graph = chain(neuron(), nir.Linear(np.ones((3, 3))), shape=(3,))
    graph.edges.append(("node1", "node0"))
    with pytest.raises(UnsupportedError, match="recurrent: node0, node1, output wait for each other"):
        NirFrontend().parse(graph)
