import json

import numpy as np
import pytest
from PIL import Image

from snntoolbox.config.settings import DataflowKwargs, DatagenKwargs, Input, Paths, Simulation
from snntoolbox.data import choose_samples, load_normalization_set, load_test_set
from snntoolbox.errors import DataError

SHAPE = (4, 5, 1)


def _paths(place, class_idx_path=None):
    return Paths.model_construct(dataset_path=place, class_idx_path=class_idx_path)


def _inputs(**options):
    defaults = {
        "dataset_format": "npz",
        "datagen_kwargs": DatagenKwargs(),
        "dataflow_kwargs": DataflowKwargs(),
        "rescale": 1.0,
        "mean": (),
        "std": (),
        "channel_order": "rgb",
    }
    return Input.model_construct(**(defaults | options))


@pytest.fixture
def arrays(rng):
    return {"x_test": rng.random((6, 4, 5)), "y_test": np.eye(3)[[0, 1, 2, 0, 1, 2]], "x_norm": rng.random((8, 4, 5))}


@pytest.fixture
def folder(tmp_path, arrays):
    """A data set as the original toolbox has it: a file for each array."""
    for name, array in arrays.items():
        np.savez_compressed(tmp_path / f"{name}.npz", array)
    return tmp_path


@pytest.fixture
def image_folder(tmp_path):
    for number in range(12):
        path = tmp_path / "images" / f"n{number % 3}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5, 3), number, np.uint8)).save(path)
    return tmp_path / "images"


def test_a_folder_with_a_file_for_each_array(folder, arrays):
    test = load_test_set(_paths(folder), _inputs(rescale=0.5), SHAPE, 3)
    np.testing.assert_allclose(test.array()[..., 0], arrays["x_test"] * 0.5, rtol=1e-6)
    assert test.classes.tolist() == [0, 1, 2, 0, 1, 2]
    norm = load_normalization_set(_paths(folder), _inputs(rescale=0.5), SHAPE)
    np.testing.assert_allclose(norm.array()[..., 0], arrays["x_norm"] * 0.5, rtol=1e-6)


def test_one_file_with_all_arrays(tmp_path, arrays):
    np.savez(tmp_path / "data.npz", **arrays)
    test = load_test_set(_paths(tmp_path / "data.npz"), _inputs(), SHAPE, 3)
    assert test.shape == SHAPE and len(test) == 6
    assert test.classes.tolist() == [0, 1, 2, 0, 1, 2]
    assert len(load_normalization_set(_paths(tmp_path / "data.npz"), _inputs(), SHAPE)) == 8


@pytest.mark.parametrize("one_file", [True, False])
def test_training_samples_stand_in_for_x_norm_with_a_warning(tmp_path, arrays, one_file):
    place = tmp_path / "data.npz" if one_file else tmp_path
    np.savez(place if one_file else tmp_path / "x_train.npz", x_train=arrays["x_norm"])
    with pytest.warns(UserWarning, match="no x_norm; normalising with x_train instead"):
        norm = load_normalization_set(_paths(place), _inputs(), SHAPE)
    assert len(norm) == 8


@pytest.mark.parametrize("one_file", [True, False])
def test_labels_may_be_missing(tmp_path, arrays, one_file):
    place = tmp_path / "data.npz" if one_file else tmp_path
    np.savez(place if one_file else tmp_path / "x_test.npz", x_test=arrays["x_test"])
    assert load_test_set(_paths(place), _inputs(), SHAPE, 3).classes is None


def test_a_missing_file_says_what_lies_there(folder):
    (folder / "x_norm.npz").unlink()
    with pytest.raises(DataError, match=r"x_norm\.npz: no such file.*holds x_test\.npz, y_test\.npz"):
        load_normalization_set(_paths(folder), _inputs(), SHAPE)
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        load_test_set(_paths(folder / "nowhere"), _inputs(), SHAPE, 3)


def test_a_missing_array_says_what_lies_there(tmp_path, arrays):
    np.savez(tmp_path / "data.npz", x_test=arrays["x_test"])
    with pytest.raises(DataError, match=r"expected an array 'x_norm', got x_test"):
        load_normalization_set(_paths(tmp_path / "data.npz"), _inputs(), SHAPE)


def test_images_taken_for_arrays_are_recognised(image_folder):
    with pytest.raises(DataError, match=r"image folders .* set dataset_format = jpg"):
        load_test_set(_paths(image_folder), _inputs(), SHAPE, 3)


def test_the_labels_file_is_named_if_labels_do_not_fit(folder):
    np.savez(folder / "y_test.npz", np.arange(5))
    with pytest.raises(DataError, match=r"y_test\.npz: expected a label for each of the 6 samples, got 5"):
        load_test_set(_paths(folder), _inputs(), SHAPE, 3)


def test_class_names_of_arrays(folder, tmp_path):
    (tmp_path / "classes.json").write_text(json.dumps({"0": "zero", "1": ["n1", "one"], "2": "two"}))
    test = load_test_set(_paths(folder, tmp_path / "classes.json"), _inputs(), SHAPE, 3)
    assert test.class_names == ("zero", "one", "two")


def test_images_follow_the_networks_input(image_folder):
    inputs = _inputs(dataset_format="jpg")
    grey = load_test_set(_paths(image_folder), inputs, (8, 6, 1), 3)
    assert grey.shape == (8, 6, 1) and grey.array().shape == (12, 8, 6, 1)
    assert load_test_set(_paths(image_folder), inputs, (8, 6), 3).array().shape == (12, 8, 6)
    assert load_test_set(_paths(image_folder), inputs, (8, 6, 3), 3).array().shape == (12, 8, 6, 3)
    with pytest.raises(DataError, match=r"takes samples of shape \(784,\), expected \(height, width, channels\)"):
        load_test_set(_paths(image_folder), inputs, (784,), 3)


def test_images_are_shuffled_the_same_way_every_time(image_folder):
    inputs = _inputs(dataset_format="png")
    test = load_test_set(_paths(image_folder), inputs, (4, 5, 3), 3)
    numbers = test.array()[:, 0, 0, 0].astype(int)
    assert sorted(numbers) == list(range(12)) and numbers.tolist() != sorted(numbers, key=lambda n: (n % 3, n))
    np.testing.assert_array_equal(test.classes, numbers % 3)
    np.testing.assert_array_equal(load_test_set(_paths(image_folder), inputs, (4, 5, 3), 3).array(), test.array())
    norm = load_normalization_set(_paths(image_folder), inputs, (4, 5, 3))
    assert len(norm) == 12 and not np.array_equal(norm.array(), test.array())


def test_dataflow_options_are_followed(image_folder):
    paths = _paths(image_folder)
    sorted_ = _inputs(dataset_format="jpg", dataflow_kwargs=DataflowKwargs(shuffle=False, classes=("n2", "n0", "n1")))
    test = load_test_set(paths, sorted_, (4, 5, 3), 3)
    assert test.array()[:, 0, 0, 0].tolist() == [2, 5, 8, 11, 0, 3, 6, 9, 1, 4, 7, 10]
    assert test.classes.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    seeded = _inputs(dataset_format="jpg", dataflow_kwargs=DataflowKwargs(seed=5))
    unseeded = load_test_set(paths, _inputs(dataset_format="jpg"), (4, 5, 3), 3)
    assert load_test_set(paths, seeded, (4, 5, 3), 3).classes.tolist() != unseeded.classes.tolist()


def test_an_image_format_that_the_network_does_not_take_is_refused(image_folder):
    grey = _inputs(dataset_format="jpg", dataflow_kwargs=DataflowKwargs(color_mode="grayscale"))
    with pytest.raises(DataError, match=r"samples have shape \(4, 5, 1\), the network takes \(4, 5, 3\)"):
        load_test_set(_paths(image_folder), grey, (4, 5, 3), 3)
    large = _inputs(dataset_format="jpg", dataflow_kwargs=DataflowKwargs(target_size=(8, 8)))
    with pytest.raises(DataError, match=r"samples have shape \(8, 8, 3\)"):
        load_test_set(_paths(image_folder), large, (4, 5, 3), 3)


@pytest.mark.parametrize(("interpolation", "between"), [(None, False), ("nearest", False), ("bilinear", True)])
def test_images_are_resized_as_asked(tmp_path, interpolation, between):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "a" / "0.png")
    inputs = _inputs(dataset_format="png", dataflow_kwargs=DataflowKwargs(interpolation=interpolation))
    pixels = load_test_set(_paths(tmp_path), inputs, (1, 4, 1), 1).array()
    assert bool(set(pixels.ravel().tolist()) - {0.0, 255.0}) == between


def test_the_rescaling_of_the_originals_options_is_applied_to_images(image_folder):
    inputs = _inputs(dataset_format="jpg", datagen_kwargs=DatagenKwargs(rescale=0.1))
    assert load_test_set(_paths(image_folder), inputs, (4, 5, 3), 3).array().max() == pytest.approx(1.1)


def test_the_class_index_orders_and_names_image_folders(image_folder, tmp_path):
    index = tmp_path / "classes.json"
    index.write_text(json.dumps({"0": ["n2", "tench"], "1": ["n9", "shark"], "2": ["n0", "ray"], "3": ["n1", "cock"]}))
    test = load_test_set(_paths(image_folder, index), _inputs(dataset_format="jpg"), (4, 5, 3), 4)
    assert test.class_names == ("tench", "shark", "ray", "cock")
    assert set(zip(test.classes.tolist(), test.array()[:, 0, 0, 0] % 3, strict=True)) == {(0, 2), (2, 0), (3, 1)}
    with pytest.raises(DataError, match="3 classes, the network has 4 outputs"):
        load_test_set(_paths(image_folder), _inputs(dataset_format="jpg"), (4, 5, 3), 4)


def test_chosen_samples(folder, arrays):
    test = load_test_set(_paths(folder), _inputs(), SHAPE, 3)

    def chosen(num_to_test, indices=()):
        simulation = Simulation.model_construct(num_to_test=num_to_test, sample_idxs_to_test=indices)
        return choose_samples(test, simulation).indices.tolist()

    assert chosen(2) == [0, 1]
    assert chosen(-1) == [0, 1, 2, 3, 4, 5]
    assert chosen(1, (5, 0)) == [5, 0]
    with pytest.raises(DataError, match="from 1 to 6"):
        chosen(7)
    with pytest.raises(DataError, match="sample indices from 0 to 5, got \\[6\\]"):
        chosen(1, (6,))
