"""Modules of PyTorch given as they are."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends.base import find_frontend
from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.ir.evaluate import max_relative_deviation
from snntoolbox.testing.evaluation import node_values


class Network(nn.Module):
    """A convolution whose rectifier is a function, batch norm, dropout, and two outputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.bn = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(60, 4)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv(x)))
        return {"scores": self.fc(self.drop(torch.flatten(x, 1))), "map": x}


@pytest.fixture
def module():
    """A network in training mode, with one part in evaluation mode, and statistics that matter."""
    torch.manual_seed(0)
    network = Network().train()
    network.bn.eval()
    network.bn.running_mean.normal_()
    network.bn.running_var.uniform_(0.5, 1.5)
    return network


@pytest.fixture(params=["newer", "older"])
def exporter(request, monkeypatch):
    """Either exporter: the older one is used where onnxscript is missing."""
    if request.param == "older":
        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find(name))
    return request.param


def test_a_module_becomes_a_graph_and_stays_as_it_was(module, exporter):
    example = torch.zeros(5, 2, 4, 5)
    frontend = find_frontend(module, example_input=example)
    graph = frontend.parse(module)
    assert (module.training, module.bn.training, module.drop.training) == (True, False, True)
    assert graph.shapes[graph.inputs[0]] == (4, 5, 2)
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 2)).astype(np.float32)
    expected = frontend.reference_outputs(module, x)
    assert (module.training, module.bn.training, module.drop.training) == (True, False, True)
    module.eval()
    with torch.no_grad():
        answer = module(torch.as_tensor(x.transpose(0, 3, 1, 2)))
    assert max_relative_deviation(answer["scores"].numpy(), expected[0]) <= 1e-6
    assert max_relative_deviation(answer["map"].numpy().transpose(0, 2, 3, 1), expected[1]) <= 1e-6
    values = node_values(graph, {graph.inputs[0]: x})
    assert max_relative_deviation(expected, [values[name] for name in graph.outputs]) <= 1e-5


def test_names_are_those_of_the_modules(module, exporter):
    graph = OnnxFrontend(example_input=np.zeros((1, 2, 4, 5), np.float32)).parse(module)
    assert {"conv", "fc"} <= {node.name for node in graph.nodes}


def test_an_example_is_asked_for(module):
    with pytest.raises(DataError, match=r"Network: a module does not say what it takes\. Give an example"):
        OnnxFrontend().parse(module)


def test_what_cannot_be_exported_is_refused(exporter):
    class Odd(nn.Module):
        def forward(self, x):
            raise RuntimeError("this cannot be traced")

    with pytest.raises(UnsupportedError, match=r"Odd: torch .* cannot export the module to ONNX"):
        OnnxFrontend(example_input=torch.zeros(1, 3)).parse(Odd())


def test_several_inputs(exporter):
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(3, 2), nn.Linear(4, 2)

        def forward(self, a, b):
            return torch.relu(self.left(a) + self.right(b))

    module = Sum()
    frontend = OnnxFrontend(example_input=(torch.zeros(1, 3), torch.zeros(1, 4)))
    graph = frontend.parse(module)
    rng = np.random.default_rng(0)
    x = {name: rng.normal(size=(2, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
    with torch.no_grad():
        expected = module(*(torch.as_tensor(value) for value in x.values()))
    assert max_relative_deviation(expected.numpy(), frontend.reference_outputs(module, x)) <= 1e-6
