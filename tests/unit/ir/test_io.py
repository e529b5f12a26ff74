"""A saved graph comes back exactly, and nothing else is taken for one."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from snntoolbox.errors import GraphError
from snntoolbox.ir import Graph, Node, load_graph, ops, save_graph
from snntoolbox.ir.io import is_graph_file
from snntoolbox.neurons import Accumulator, IntegrateAndFire, SoftmaxNeuron

DTYPES = st.sampled_from([np.float32, np.float64, np.float16])
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
POSITIVE = st.floats(1e-3, 1e3)


def arrays(*shape, elements=None):
    """Arrays of any floating type; with any value, NaN and -0.0 included, unless told."""
    return DTYPES.flatmap(lambda dtype: npst.arrays(dtype, shape, elements=elements and elements(dtype)))


def positive(*shape):
    return arrays(*shape, elements=lambda dtype: st.floats(0.125, 8, width=np.dtype(dtype).itemsize * 8))


def maybe(strategy):
    return st.none() | strategy


MODELS = (
    st.builds(Accumulator)
    | st.builds(SoftmaxNeuron, st.sampled_from(["clock", "poisson"]), st.floats(0.01, 1))
    | st.builds(
        IntegrateAndFire,
        POSITIVE | positive(2),
        maybe(POSITIVE | positive(2)),
        st.sampled_from(["subtract", "zero", "modulo"]),
        st.integers(0, 5),
        st.floats(0.1, 1),
        st.floats(-1, 1) | arrays(2),
        st.integers(0, 5),
    )
)

KEPT = {
    "Activation": st.builds(ops.Activation, st.sampled_from(ops.Activation.FUNCTIONS)),
    "Affine": st.builds(ops.Affine, arrays(2) | arrays() | arrays(5, 4, 2), maybe(arrays(2))),
    "AveragePool": st.builds(
        ops.AveragePool, st.just((3, 3)), st.just((1, 1)), st.just(((1, 1), (1, 1))), st.booleans()
    ),
    "Conv": st.builds(ops.Conv, arrays(2, 3, 2, 2), maybe(arrays(2)), st.just((1, 1)), st.just(((1, 0), (1, 1))))
    | st.builds(ops.Conv, arrays(1, 1, 1, 2), maybe(arrays(2)), groups=st.just(2)),
    "ConvTranspose": st.builds(ops.ConvTranspose, arrays(1, 1, 2, 2), maybe(arrays(2))),
    "Dense": st.builds(ops.Dense, arrays(2, 2), maybe(arrays(2))),
    "MaxPool": st.builds(ops.MaxPool, st.just((1, 1))),
    "Pad": st.builds(ops.Pad, st.just(((0, 0),) * 3)),
    "Permute": st.builds(ops.Permute, st.just((0, 1, 2))),
    "Relu": st.builds(ops.Relu, maybe(POSITIVE | positive(2)), st.floats(-1, 1) | arrays(2)),
    "Reshape": st.builds(ops.Reshape, st.just((5, 4, 2))),
    "Slice": st.builds(ops.Slice, st.just((0, 0, 0)), st.just((5, 4, 2)), st.just((1, 1, 1))),
    "Softmax": st.builds(ops.Softmax),
    "Spiking": st.builds(ops.Spiking, MODELS),
    "SpikingMaxPool": st.builds(
        ops.SpikingMaxPool,
        st.just((1, 1)),
        method=st.sampled_from(["cumulative", "fir_max", "exp_max", "avg_max"]),
        time_constant=st.floats(1, 100),
    ),
    "Upsample": st.builds(ops.Upsample, st.just((1, 1))),
}
"""Every op with one input, so that it keeps the shape (5, 4, 2)."""


@st.composite
def graphs(draw):
    names = draw(st.lists(NAMES, min_size=3, max_size=8, unique=True))
    nodes = [Node(names[0], ops.Input((5, 4, 2)))]
    for name in names[1:-1]:
        nodes.append(Node(name, draw(st.one_of(*KEPT.values())), (draw(st.sampled_from(nodes)).name,)))
    pair = tuple(draw(st.sampled_from(nodes)).name for _ in range(2))
    nodes.append(Node(names[-1], draw(st.sampled_from([ops.Add(), ops.Concat(), ops.Concat(0)])), pair))
    outputs = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    return Graph(tuple(nodes), tuple(outputs), draw(st.dictionaries(NAMES, st.text(max_size=20), max_size=3)))


@settings(max_examples=60)
@given(graph=graphs())
def test_saving_and_loading_is_the_identity(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "graph.h5"
    save_graph(graph, path)
    loaded = load_graph(path)
    assert loaded.equals(graph)
    assert str(loaded) == str(graph)
    assert loaded.shapes == graph.shapes


def test_every_op_is_saved_by_the_property_test():
    assert {*KEPT, "Input", "Add", "Concat"} == ops.OPS.keys()


def test_scalars_of_numpy_come_back_equal(tmp_path):
    model = IntegrateAndFire(threshold=np.float64(0.1), initial_potential=np.float32(0.3))
    graph = Graph((Node("in", ops.Input((3,))), Node("n", ops.Spiking(model), ("in",))), ("n",))
    save_graph(graph, tmp_path / "graph.h5")
    assert load_graph(tmp_path / "graph.h5").equals(graph)


def test_long_attributes_fit(branching, tmp_path):
    graph = branching.with_attributes(history="x" * 200_000)
    save_graph(graph, tmp_path / "graph.h5")
    assert load_graph(tmp_path / "graph.h5").equals(graph)


def test_loaded_parameters_are_read_only(branching, tmp_path):
    save_graph(branching, tmp_path / "graph.h5")
    with pytest.raises(ValueError, match="read-only"):
        load_graph(tmp_path / "graph.h5")["conv"].op.kernel[:] = 0


def test_folders_are_made_and_an_older_file_is_replaced(branching, tmp_path):
    path = tmp_path / "a" / "b" / "graph.h5"
    save_graph(branching.with_attributes(version="old"), path)
    save_graph(branching, path)
    assert load_graph(path).equals(branching)
    assert [file.name for file in path.parent.iterdir()] == ["graph.h5"]


def test_a_failed_save_leaves_the_older_file(branching, tmp_path, monkeypatch):
    path = tmp_path / "graph.h5"
    save_graph(branching, path)

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("snntoolbox.ir.io._write", fail)
    with pytest.raises(OSError, match="disk full"):
        save_graph(branching.with_attributes(version="new"), path)
    assert load_graph(path).equals(branching)
    assert [file.name for file in tmp_path.iterdir()] == ["graph.h5"]


def test_missing_file(tmp_path):
    with pytest.raises(GraphError, match=r"no saved graph at .*graph.h5"):
        load_graph(tmp_path / "graph.h5")


@pytest.mark.parametrize("content", [b"", b"no hdf5 at all"])
def test_file_of_another_kind(content, tmp_path):
    path = tmp_path / "graph.h5"
    path.write_bytes(content)
    assert not is_graph_file(path)
    with pytest.raises(GraphError, match="is not a graph saved by SNN Toolbox, or is damaged"):
        load_graph(path)


def test_hdf5_file_of_another_kind(tmp_path):
    h5py.File(tmp_path / "model.h5", "w").close()
    assert not is_graph_file(tmp_path / "model.h5")


def test_truncated_file(branching, tmp_path):
    path = tmp_path / "graph.h5"
    save_graph(branching, path)
    assert is_graph_file(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(GraphError, match="or is damaged"):
        load_graph(path)


def change(path, edit):
    with h5py.File(path, "r+") as file:
        edit(file)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda file: file.attrs.modify("version", 2), "format version 2 is newer than 1; update snntoolbox"),
        (
            lambda file: file["nodes/000002"].attrs.modify("kind", "Swish"),
            "node 'relu' has the unknown op 'Swish'; update snntoolbox",
        ),
        (
            lambda file: file["nodes/000002"].attrs.update(
                kind="Spiking", fields='{"model": {"model": "Izhikevich", "fields": {}}}'
            ),
            "unknown neuron model 'Izhikevich'; update snntoolbox",
        ),
    ],
)
def test_file_of_a_newer_version(edit, message, branching, tmp_path):
    path = tmp_path / "graph.h5"
    save_graph(branching, path)
    change(path, edit)
    with pytest.raises(GraphError, match=message):
        load_graph(path)
