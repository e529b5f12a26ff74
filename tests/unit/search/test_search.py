"""The search for conversion options: its order over trials, its rounds, and what it finds on a small network."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.config.load import load
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Dense, Input, Relu
from snntoolbox.search import Goal, Round, Search, SearchResult, Trial, rounds
from snntoolbox.search.trial import TEMPERATURE, divergence, make_trial


def trial(agreement, operations=None, **options) -> Trial:
    values = np.asarray(agreement, float)
    used = np.arange(1, len(values) + 1) if operations is None else np.asarray(operations, float)
    return Trial(options, 100, values, np.full(100, 1 - values[-1]), used)


@pytest.fixture
def network(rng: np.random.Generator) -> Graph:
    weights = [rng.normal(size=shape, scale=0.5).astype(np.float32) for shape in ((6, 20), (20, 20), (20, 3))]
    nodes = [Node("x", Input((6,)))]
    for number, kernel in enumerate(weights):
        nodes.append(Node(f"fc{number}", Dense(kernel), (nodes[-1].name,)))
        if number < 2:
            nodes.append(Node(f"relu{number}", Relu(), (nodes[-1].name,)))
    return Graph(tuple(nodes), (nodes[-1].name,))


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.random((60, 6)).astype(np.float32)


def test_accuracy_prefers_what_agrees_at_the_end() -> None:
    goal = Goal("accuracy", 3)
    assert goal.key(trial([0.2, 0.4, 0.9])) > goal.key(trial([0.8, 0.8, 0.8]))
    assert goal.value(trial([0.2, 0.4, 0.9])) == 0.9


def test_of_what_chance_may_explain_the_first_is_taken(rng: np.random.Generator) -> None:
    """The second is better by one standard error of the difference, the third by four; the fourth is the worst."""
    goal, noise = Goal("accuracy", 1), rng.normal(size=100)
    noise = 0.1 * (noise - noise.mean()) / noise.std()
    base, values = np.full(100, 0.5), np.array([1.0])
    divergences = {
        "first": base,
        "second": base - 0.01 + noise,
        "third": base - 0.04 + noise,
        "fourth": base + 0.04 - noise,
    }
    made = {name: Trial({"name": name}, 100, values, one, values) for name, one in divergences.items()}

    def ranked(*names: str) -> list[str]:
        return [one.options["name"] for one in goal.ranked([made[name] for name in names])]

    assert ranked("first", "second") == ["first", "second"]
    assert ranked("second", "first") == ["second", "first"]
    assert ranked("first", "third") == ["third", "first"]
    assert ranked("fourth", "first", "second") == ["first", "second", "fourth"]
    assert ranked("first", "second", "third") == ["third", "second", "first"]
    assert ranked() == []


def test_other_goals_take_the_best(rng: np.random.Generator) -> None:
    slow, quick = trial([0.0, 1.0]), trial([1.0, 1.0])
    assert Goal("steps", 2).ranked([slow, quick]) == [quick, slow]


def test_of_equal_accuracy_the_cheaper_one_wins() -> None:
    goal = Goal("accuracy", 2)
    assert goal.key(trial([0.5, 0.9], [1, 2])) > goal.key(trial([0.5, 0.9], [1, 3]))


@pytest.mark.parametrize(
    ("agreement", "step"),
    [([0.5, 1.0, 1.0, 1.0], 2), ([1.0, 0.5, 0.99, 1.0], 3), ([1.0, 1.0, 1.0, 0.9], None), ([1.0] * 4, 1)],
)
def test_a_goal_of_steps_counts_from_when_the_agreement_stays(agreement: list[float], step: int | None) -> None:
    goal = Goal("steps", 4, within=0.01)
    assert goal.step(trial(agreement)) == step
    assert goal.value(trial(agreement)) == step


def test_a_goal_of_operations_takes_more_steps_if_they_are_cheaper() -> None:
    goal = Goal("operations", 3, within=0.0)
    quick, cheap = trial([0.0, 1.0, 1.0], [50, 100, 150]), trial([0.0, 0.0, 1.0], [10, 20, 30])
    assert goal.value(cheap) == 30
    assert goal.key(cheap) > goal.key(quick) > goal.key(trial([0.0, 0.0, 0.9], [1, 2, 3]))


def test_a_trial_has_what_was_decided_and_what_it_took() -> None:
    reference = np.log([[0.5, 0.4, 0.1], [0.9, 0.05, 0.05]])
    outputs = np.array([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    made = make_trial({}, outputs, reference, np.array([[1.0, 3.0], [2.0, 4.0]]), seconds=7.0)
    assert made.seconds == 7
    np.testing.assert_allclose(made.agreement, [0.5, 0.0])
    np.testing.assert_allclose(made.operations, [2, 5])
    assert made.divergence == divergence(outputs[-1], reference, TEMPERATURE)


def test_the_divergence_leaves_out_the_scale(rng: np.random.Generator) -> None:
    logits = rng.normal(size=(50, 4), scale=3)
    assert divergence(logits, logits) == pytest.approx(0, abs=1e-12)
    assert divergence(0.3 * logits, logits) < 2e-3
    assert divergence(logits + 5, logits) == pytest.approx(0, abs=1e-12)
    noisy = [logits + size * rng.normal(size=logits.shape) for size in (0.3, 1.0, 3.0)]
    found = [divergence(one, logits) for one in noisy]
    assert 0 < found[0] < found[1] < found[2]


def test_a_higher_temperature_tells_settings_apart_with_fewer_samples() -> None:
    rng = np.random.default_rng(0)
    reference = rng.normal(0, 4, (4000, 10))
    outputs = [reference + rng.normal(0, spread, reference.shape) for spread in (0.5, 0.55)]
    parts = np.split(np.arange(4000), 40)

    def errors(temperature: float) -> float:
        a, b = (
            np.array([divergence(output[part], reference[part], temperature) for part in parts]) for output in outputs
        )
        return float((b - a).mean() / (b - a).std())

    assert errors(TEMPERATURE) > 1.2 * errors(1.0) > 0


def test_the_divergence_of_silence_is_that_of_equal_probabilities() -> None:
    probability = np.array([[0.5, 0.3, 0.2]])
    expected = (probability * np.log(probability * 3)).sum()
    assert divergence(np.zeros((1, 3)), probability) == pytest.approx(expected)


def test_probabilities_and_logits_give_the_same_divergence() -> None:
    probability = np.array([[0.5, 0.3, 0.2]])
    outputs = np.array([[0.2, 0.7, 0.1]])
    found = [divergence(o, r) for o in (outputs, np.log(outputs) - 1) for r in (probability, np.log(probability) + 3)]
    np.testing.assert_allclose(found, found[0])


def test_outputs_that_are_no_classes_are_refused() -> None:
    with pytest.raises(ConversionError, match="two or more classes"):
        make_trial({}, np.ones((1, 2, 1)), np.ones((2, 1)), np.ones((1, 2)))


def test_no_point_of_the_front_is_beaten() -> None:
    result = SearchResult(
        Goal(num_steps=3), trial([1.0]), (trial([0.5, 0.6, 0.9], [5, 6, 7]), trial([0.4, 0.7, 0.8], [1, 9, 9]))
    )
    front = [point[:3] for point in result.pareto]
    assert front == [(0.4, 1, 1.0), (0.5, 1, 5.0), (0.6, 2, 6.0), (0.7, 2, 9.0), (0.9, 3, 7.0)]


def test_the_search_finds_the_scale_that_suits_few_steps(network: Graph, x: np.ndarray) -> None:
    plan = [
        Round("scales", [{"normalization.percentile": p} for p in (1.0, 99.9)], share=0.5, keep=1),
        Round("start", [{"cell.initial_potential": v} for v in (0.0, 0.5)], share=1.0, keep=2),
    ]
    search = Search(network, x, goal=Goal(num_steps=6), backend="reference")
    result = search.run(plan)
    assert result.best.options.get("normalization.percentile", 99.9) == 99.9
    assert result.best.options.get("cell.initial_potential", 0.5) == 0.5
    assert result.best.num_samples == 20  # a third is held out
    assert {t.num_samples for t in result.trials} == {10, 20}
    assert not result.stopped
    worst = search.trial({"normalization.percentile": 1.0, "cell.initial_potential": 0.0})
    assert search.wanted.key(result.best) > search.wanted.key(worst)


def test_the_same_search_gives_the_same_result(network: Graph, x: np.ndarray) -> None:
    plan = [Round("scales", [{"normalization.percentile": p} for p in (90.0, 99.9)], share=1.0, keep=1)]
    one, two = (Search(network, x, goal=Goal(num_steps=5), backend="reference").run(plan) for _ in range(2))
    assert one.best.options == two.best.options
    np.testing.assert_array_equal(one.best.agreement, two.best.agreement)


@pytest.mark.parametrize(
    "options",
    [
        {"normalization.percentile": 90.0},
        {"normalization.method": "mmse", "cell.v_thresh": 0.8},
        {"normalization.channel_wise": True},
        {"conversion.max2avg_pool": True},
        {"conversion.weight_format": "Q2.3"},
    ],
)
def test_what_is_measured_once_is_used_only_where_it_holds(options, network: Graph, x: np.ndarray) -> None:
    search = Search(network, x, goal=Goal(num_steps=4), backend="reference")
    first = [search.convert({}), search.convert({"normalization.method": "mmse"}), search.convert(options)]
    fresh = Search(network, x, goal=Goal(num_steps=4), backend="reference").convert(options)
    assert [str(node) for node in first[-1].nodes] == [str(node) for node in fresh.nodes]
    np.testing.assert_array_equal(
        search.simulate(first[-1], x).output_over_time, search.simulate(fresh, x).output_over_time
    )
    again = search.convert({})
    np.testing.assert_array_equal(search.simulate(again, x).output, search.simulate(first[0], x).output)


def test_what_the_settings_have_anyway_is_not_tried_again(network: Graph, x: np.ndarray) -> None:
    given = load(None, {"normalization.percentile": 95.0})
    plan = [
        Round("scales", [{"normalization.percentile": 95.0}, {"normalization.percentile": 90.0}], share=1.0, keep=2),
        Round("clamp", [{"cell.clamp_delay": 0.0}], share=1.0, keep=1),
    ]
    result = Search(network, x, given, Goal(num_steps=4), backend="reference").run(plan)
    assert [t.options for t in result.trials] == [{}, {"normalization.percentile": 90.0}]


def test_options_that_cannot_be_converted_are_left_out(network: Graph, x: np.ndarray, caplog) -> None:
    caplog.set_level("INFO", "snntoolbox")
    plan = [
        Round("scales", [{"normalization.percentile": 101.0}, {"normalization.percentile": 99.0}], share=1.0, keep=1)
    ]
    result = Search(network, x, goal=Goal(num_steps=4), backend="reference").run(plan)
    assert all(t.options.get("normalization.percentile") != 101.0 for t in result.trials)
    assert "left out: {'normalization.percentile': 101.0}" in caplog.text


def test_time_limit_ends_the_rounds_with_the_best_so_far(network: Graph, x: np.ndarray, caplog) -> None:
    plan = [Round("scales", [{"normalization.percentile": p} for p in (90.0, 95.0, 99.0)], share=0.5, keep=1)]
    hurried = load(None, {"search.time_limit": 1e-9})
    result = Search(network, x, hurried, Goal(num_steps=4), backend="reference").run(plan)
    assert result.stopped
    assert len(result.trials) == 2  # the first, and the same on all samples
    assert "time is up in round 'scales': 3 of 4 sets of options would have taken too long, and" in caplog.text


def test_what_takes_too_long_is_passed_over_for_what_does_not(
    network: Graph, x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A calibration is expected to take 60 of 50 seconds, and the others next to nothing."""
    monkeypatch.setattr("snntoolbox.search.run.expected_seconds", lambda _, __, calibrated: 1.5 * calibrated)
    plan = [Round("all", [{"calibration.bias": True}, {"normalization.percentile": 95.0}])]
    hurried = load(None, {"search.time_limit": 50})
    result = Search(network, x, hurried, Goal(num_steps=4), backend="reference").run(plan)
    assert result.stopped
    assert [one.options for one in result.trials] == [{}, {"normalization.percentile": 95.0}]


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_best_so_far_gives_way_only_to_what_was_compared_with_it(
    network: Graph, x: np.ndarray, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """From the second trial on calibrations take too long, also that of the best so far; a poor one would not."""
    monkeypatch.setattr(
        "snntoolbox.search.run.expected_seconds",
        lambda known, _, calibrated: 100.0 if calibrated and len(known) > 1 else 1e-6,
    )
    good = {"normalization.percentile": 99.9, "calibration.bias": True}
    poor = {"normalization.percentile": 10.0, "calibration.bias": False}
    given = load(None, {"search.time_limit": 50, "normalization.percentile": 30.0})
    plan = [Round("first", [good], share=share), Round("second", [poor])]
    result = Search(network, x, given, Goal(num_steps=8), backend="reference").run(plan)
    assert result.stopped == (share < 1)  # on all samples the best so far is known, otherwise it had to be tried again
    assert {name: result.best.options[name] for name in good} == good


def test_too_few_samples_are_refused(network: Graph, x: np.ndarray) -> None:
    with pytest.raises(ConversionError, match="at least 6 samples, got 5"):
        Search(network, x[:5])


def test_a_wrong_goal_is_refused() -> None:
    with pytest.raises(ConversionError, match="expected 'accuracy', 'steps' or 'operations', got 'speed'"):
        Goal("speed")  # type: ignore[arg-type]
    with pytest.raises(ConversionError, match="within in"):
        Goal("steps", 4, within=2)


def test_every_round_of_the_standard_search_can_be_converted(network: Graph, x: np.ndarray) -> None:
    search = Search(network, x, goal=Goal(num_steps=4), backend="reference")
    for one in rounds(["integrate_and_fire", "signed", "burst", "graded"]):
        for options in one.variations:
            assert search.trial(options) is not None, options
