"""Where neurons go, which ones, and what is refused."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from snntoolbox.backends.head import split_head
from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire, SignedIntegrateAndFire, SoftmaxNeuron
from snntoolbox.passes.insert_neurons import InsertNeurons

FC = ops.Dense(np.eye(4))
RELU, SOFTMAX = ops.Relu(), ops.Softmax()
SPIKES = RateCode(output="spikes")


def model(graph, name):
    assert isinstance(graph[name].op, ops.Spiking)
    return graph[name].op.model


def names(graph):
    return [node.name for node in graph.nodes[1:]]


def test_neurons_have_the_names_of_their_rectifiers(chain, kinds):
    graph = chain((4,), a=FC, r=RELU, b=FC, s=RELU, c=FC, out=SOFTMAX)
    after = InsertNeurons(RateCode(threshold=0.5))(graph)
    assert names(after) == ["a", "r", "b", "s", "c", "c_potential", "out"]
    assert after.neurons == ("r", "s", "c_potential")
    assert isinstance(model(after, "r"), IntegrateAndFire) and model(after, "r").threshold == 0.5
    assert isinstance(model(after, "c_potential"), Accumulator)
    assert after.outputs == ("out",) and after.attributes["spike_code"] == "rate"
    assert split_head(after).readouts == ("c_potential",)


def test_a_linear_output_is_read_under_its_own_name(chain):
    after = InsertNeurons(RateCode())(chain((4,), a=FC, r=RELU, out=FC))
    assert names(after) == ["a", "r", "out_current", "out"]
    assert isinstance(model(after, "out"), Accumulator) and after.outputs == ("out",)


@pytest.mark.parametrize("tail", [RELU, ops.Relu(2.0), SOFTMAX, ops.Activation("sigmoid")], ids=lambda op: op.kind)
def test_activations_of_the_output_are_applied_to_what_is_decoded(tail, chain):
    after = InsertNeurons(RateCode())(chain((4,), fc=FC, out=tail, moved=ops.Reshape((2, 2))))
    head = split_head(after)
    assert [node.name for node in head.nodes] == ["out", "moved"] and head.readouts == ("fc_potential",)


def test_max_pooling_becomes_spiking(chain):
    pool = ops.MaxPool((2, 2), (1, 1), ((1, 0), (0, 1)))
    after = InsertNeurons(RateCode(), max_pool="exp_max")(chain((4, 4, 4), r=RELU, p=pool, out=FC))
    expected = ops.SpikingMaxPool((2, 2), (1, 1), ((1, 0), (0, 1)), "exp_max")
    assert dict(after["p"].op.fields()) == dict(expected.fields())


def test_clamped_layers(chain):
    after = InsertNeurons(RateCode(), clamp={"s": 20})(chain((4,), r=RELU, fc=FC, s=RELU, out=FC))
    assert model(after, "r").clamp_steps == 0 and model(after, "s").clamp_steps == 20


def test_clamping_what_is_no_rectifier_is_refused(chain):
    with pytest.raises(ConversionError, match=r"'relu1'\. Did you mean 'relu'.*: relu"):
        InsertNeurons(RateCode(), clamp={"relu1": 20})(chain((4,), relu=RELU, out=FC))


@pytest.mark.parametrize(
    ("ceiling", "threshold"), [(1.0, 1.0), (3.0, 1.0), (0.5, 0.5), (np.array([0.5, 2.0, 1.0, 1.0]), [0.5, 1, 1, 1])]
)
def test_a_ceiling_is_the_largest_rate(ceiling, threshold, chain):
    after = InsertNeurons(RateCode(initial_potential=0.5))(chain((4,), r=ops.Relu(ceiling), out=FC))
    np.testing.assert_array_equal(model(after, "r").threshold, threshold)
    np.testing.assert_array_equal(model(after, "r").message_size, threshold)
    np.testing.assert_array_equal(model(after, "r").initial_potential, 0.5 * np.asarray(threshold))


def test_activations_inside_are_refused_all_at_once(chain):
    graph = chain((4,), a=ops.Activation("tanh"), b=SOFTMAX, fc=FC, out=SOFTMAX)
    with pytest.raises(UnsupportedError) as caught:
        InsertNeurons(RateCode())(graph)
    assert [problem.where for problem in caught.value.problems] == [
        "node 'a' (Activation)",
        "node 'b' (Softmax)",
    ]
    assert "ReLU in place of tanh" in str(caught.value) and "'out'" not in str(caught.value)


@pytest.mark.parametrize("slope", [0.1, np.array([0.1, 0.0, -0.2, 0.5])], ids=["leaky", "parametric"])
def test_a_slope_becomes_negative_spikes(slope, chain):
    after = InsertNeurons(RateCode(threshold=2.0), clamp={"r": 3})(chain((4,), r=ops.Relu(1.5, slope), out=FC))
    neuron = model(after, "r")
    assert isinstance(neuron, SignedIntegrateAndFire)
    np.testing.assert_array_equal(neuron.negative_slope, slope)
    assert (neuron.threshold, neuron.initial_potential, neuron.clamp_steps) == (1.5, 0.75, 3)


def test_negative_spikes_go_without_leak_refractory_period_and_other_resets(chain):
    graph = chain((4,), r=ops.Relu(negative_slope=0.1), s=RELU, out=FC)
    with pytest.raises(UnsupportedError) as caught:
        InsertNeurons(RateCode(reset="zero", leak_factor=0.9, refractory_steps=1))(graph)
    assert [problem.where for problem in caught.value.problems] == ["node 'r' (Relu)"]
    for part in ("reset 'zero', leak, refractory period", "Use reset by subtraction"):
        assert part in str(caught.value)


def test_a_converted_graph_is_not_converted_again(chain):
    once = InsertNeurons(RateCode())(chain((4,), r=RELU, out=FC))
    with pytest.raises(ConversionError, match="has neurons already: r, out"):
        InsertNeurons(RateCode())(once)


@dataclass(frozen=True)
class NoThreshold(RateCode):
    """A code whose neurons just pass on what comes in."""

    name: ClassVar[str] = "rate"

    def neuron(self):
        return Accumulator()


def test_neurons_that_cannot_do_what_is_asked_are_refused(chain):
    graph = chain((4,), r=ops.Relu(2.0), fc=FC, s=RELU, out=FC)
    with pytest.raises(UnsupportedError) as caught:
        InsertNeurons(NoThreshold(), clamp={"s": 5})(graph)
    assert "'r' (Relu): neurons Accumulator have no threshold" in str(caught.value)
    assert "'s' (Relu): neurons Accumulator cannot be clamped" in str(caught.value)


# Several readers of one value.


def branches(*tail, outputs):
    return Graph((Node("x", ops.Input((4,))), Node("a", FC, ("x",)), Node("r", RELU, ("a",)), *tail), outputs)


def test_what_is_read_inside_still_flows_on():
    graph = branches(Node("b", FC, ("r",)), Node("s", RELU, ("b",)), Node("c", FC, ("s",)), outputs=("c", "b", "r"))
    after = InsertNeurons(RateCode())(graph)
    assert after.outputs == ("c", "b", "r")
    assert after["s"].inputs == ("b_current",) and after["b"].inputs == ("b_current",)
    assert isinstance(model(after, "b"), Accumulator) and isinstance(model(after, "r"), IntegrateAndFire)


def test_a_head_of_several_branches_reads_each_once():
    graph = branches(
        Node("b", FC, ("r",)),
        Node("s", SOFTMAX, ("b",)),
        Node("t", ops.Activation("tanh"), ("b",)),
        Node("out", ops.Concat(-1), ("s", "t", "r")),
        outputs=("out",),
    )
    after = InsertNeurons(RateCode())(graph)
    assert split_head(after).readouts == ("r", "b_potential")
    assert after["s"].inputs == after["t"].inputs == ("b_potential",)


def test_messages_that_are_only_moved_on_the_way_out_are_read_at_the_neurons():
    graph = branches(
        Node("b", FC, ("r",)),
        Node("units", ops.Affine(np.array(3.0)), ("r",)),
        Node("square", ops.Reshape((2, 2)), ("units",)),
        outputs=("b", "square"),
    )
    after = InsertNeurons(RateCode())(graph)
    assert after.neurons == ("r", "b") and split_head(after).readouts == ("r", "b")


def test_a_network_of_a_single_layer(chain):
    after = InsertNeurons(RateCode())(chain((4,), fc=FC))
    assert after.neurons == ("fc",)


def test_an_entrance_that_is_read_keeps_its_name():
    graph = Graph((Node("x", ops.Input((4,))), Node("out", SOFTMAX, ("x",))), ("out",))
    after = InsertNeurons(RateCode())(graph)
    assert after.inputs == ("x",) and after["out"].inputs == ("x_potential",)


# Outputs read from spikes.


def test_spikes_of_a_rectified_output(chain, caplog):
    after = InsertNeurons(SPIKES)(chain((4,), r=RELU, fc=FC, out=RELU))
    assert after.neurons == ("r", "out") and not caplog.records


def test_spikes_in_place_of_a_softmax_or_behind_a_linear_output_say_what_is_lost(chain, caplog):
    with caplog.at_level(logging.WARNING):
        softmax = InsertNeurons(SPIKES)(chain((4,), r=RELU, fc=FC, out=SOFTMAX))
        linear = InsertNeurons(SPIKES)(chain((4,), r=RELU, out=FC))
    assert softmax.neurons == linear.neurons == ("r", "out")
    assert linear.outputs == ("out",) and linear["out"].inputs == ("out_current",)
    assert [("never fire" in record.getMessage()) for record in caplog.records] == [True, True]


def test_units_behind_neurons_of_the_output_stay(chain):
    after = InsertNeurons(SPIKES)(chain((4,), fc=FC, out=RELU, units=ops.Affine(np.array(2.0))))
    assert split_head(after).readouts == ("out",) and after.outputs == ("units",)


def test_spikes_cannot_stand_for_other_activations(chain):
    with pytest.raises(ConversionError, match=r"'out' \(Activation\); read the output from potentials"):
        InsertNeurons(SPIKES)(chain((4,), r=RELU, fc=FC, out=ops.Activation("sigmoid")))


@pytest.mark.parametrize("trigger", ["clock", "poisson"])
def test_spiking_softmax(trigger, chain):
    after = InsertNeurons(RateCode(output=f"softmax_{trigger}"))(chain((4,), r=RELU, fc=FC, out=SOFTMAX))
    assert isinstance(model(after, "out"), SoftmaxNeuron) and model(after, "out").trigger == trigger
    assert after["out"].inputs == ("fc",)


@pytest.mark.parametrize("tail", [FC, ops.Activation("sigmoid")], ids=lambda op: op.kind)
def test_a_spiking_softmax_needs_a_softmax(tail, chain):
    with pytest.raises(ConversionError, match=rf"to be one, got 'out' \({tail.kind}\)"):
        InsertNeurons(RateCode(output="softmax_clock"))(chain((4,), r=RELU, fc=FC, out=tail))
