"""From settings to datasets: which files hold the test samples, their labels and the samples for normalisation."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

from snntoolbox.config.settings import DataflowKwargs, Input, Paths, Simulation
from snntoolbox.data.classes import ClassIndex, read_class_index
from snntoolbox.data.dataset import Dataset
from snntoolbox.data.images import COLOR_MODES, IMAGE_SUFFIXES, ImageFormat, open_image_folder
from snntoolbox.data.labels import Labels, interpret_labels
from snntoolbox.data.npz import array_names, open_array
from snntoolbox.data.preprocessing import Preprocessing
from snntoolbox.data.source import ArraySource
from snntoolbox.errors import DataError

__all__ = ["choose_samples", "load_normalization_set", "load_test_set", "preprocessing_of"]


def load_test_set(paths: Paths, inputs: Input, input_shape: tuple[int, ...], num_outputs: int) -> Dataset:
    """Return all test samples with their labels, if there are any, as the network takes them.

    The arrays ``x_test`` and ``y_test`` (one file each in the folder ``dataset_path``, or both in one file), or the
    images in the class folders of ``dataset_path``, in an order shuffled by ``seed`` unless ``shuffle`` is False.

    Args:
        paths: ``dataset_path`` and ``class_idx_path`` are used.
        inputs: Format and preprocessing.
        input_shape: Shape of the network's input, without batch.
        num_outputs: Number of output values of the network for one sample.

    Raises:
        DataError: A file is missing or damaged, or samples or labels do not fit the network or each other.
    """
    index = read_class_index(paths.class_idx_path) if paths.class_idx_path else None
    if inputs.dataset_format == "npz":
        dataset = _test_arrays(paths.dataset_path, inputs, index)
    else:
        dataset = _images(paths.dataset_path, inputs, input_shape, index)
        dataset = _shuffled(dataset, inputs.dataflow_kwargs, offset=0)
    return dataset.for_network(input_shape, num_outputs)


def load_normalization_set(paths: Paths, inputs: Input, input_shape: tuple[int, ...]) -> Dataset:
    """Return the samples for normalisation, without labels, as the network takes them.

    The array ``x_norm``, or ``x_train`` with a warning; of image folders, which have no such set, the test images in an
    order of their own, so that the first of one are not the first of the other.

    Args:
        paths: ``dataset_path`` and ``class_idx_path`` are used.
        inputs: Format and preprocessing.
        input_shape: Shape of the network's input, without batch.

    Raises:
        DataError: A file is missing or damaged, or the samples do not fit the network.
    """
    if inputs.dataset_format == "npz":
        source = _normalization_array(paths.dataset_path)
        dataset = Dataset(source, preprocessing=preprocessing_of(inputs))
    else:
        index = read_class_index(paths.class_idx_path) if paths.class_idx_path else None
        dataset = _images(paths.dataset_path, inputs, input_shape, index)
        dataset = _shuffled(dataset, inputs.dataflow_kwargs.model_copy(update={"shuffle": True}), offset=1)
    return dataset.for_network(input_shape)


def choose_samples(dataset: Dataset, simulation: Simulation) -> Dataset:
    """Return the samples to test: ``sample_idxs_to_test``, or the first ``num_to_test`` (-1: all).

    Raises:
        DataError: There are not so many samples.
    """
    if simulation.sample_idxs_to_test:
        return dataset.select(simulation.sample_idxs_to_test)
    return dataset.take(simulation.num_to_test)


def preprocessing_of(inputs: Input) -> Preprocessing:
    """Return the preprocessing that the settings ask for."""
    return Preprocessing(inputs.factor, inputs.channel_order, inputs.mean, inputs.std)


def _test_arrays(place: Path, inputs: Input, index: ClassIndex | None) -> Dataset:
    x = _array(place, "x_test")
    labels = Labels()
    if _has_array(place, "y_test"):
        y = _array(place, "y_test")
        labels = interpret_labels(y.array, len(x), y.name)
    return Dataset(x, labels=labels, preprocessing=preprocessing_of(inputs), class_names=index.names if index else ())


def _normalization_array(place: Path) -> ArraySource:
    if not _has_array(place, "x_norm") and _has_array(place, "x_train"):
        warnings.warn(f"{place}: no x_norm; normalising with x_train instead", UserWarning, stacklevel=3)
        return _array(place, "x_train")
    return _array(place, "x_norm")


def _has_array(place: Path, name: str) -> bool:
    if place.is_file():
        return name in array_names(place)
    return (place / f"{name}.npz").is_file()


def _array(place: Path, name: str) -> ArraySource:
    """Return an array of the set: by its name in one file, or from the file of its name in a folder."""
    if place.is_file():
        return ArraySource(open_array(place, [name]), f"{place}[{name}]")
    path = place / f"{name}.npz"
    if not path.is_file():
        raise DataError(f"{path}: no such file. {_what_lies_at(place, name)}")
    return ArraySource(open_array(path, ["arr_0", name], or_only=True), str(path))


def _what_lies_at(place: Path, name: str) -> str:
    """What to do if an array is not where it was expected."""
    expected = f"dataset_path must name a folder with {name}.npz, or an .npz file with an array '{name}'"
    if not place.is_dir():
        return f"{expected}; {place} does not exist."
    if any(path.suffix.lower() in IMAGE_SUFFIXES for path in place.glob("*/*")):
        return f"{expected}. For the image folders in {place}, set dataset_format = jpg."
    files = sorted(path.name for path in place.glob("*.npz"))
    return f"{expected}; {place} holds {', '.join(files) or 'no .npz file'}."


def _images(place: Path, inputs: Input, input_shape: tuple[int, ...], index: ClassIndex | None) -> Dataset:
    options = inputs.dataflow_kwargs
    dataset = open_image_folder(
        place,
        _image_format(options, input_shape),
        classes=options.classes or (index.folders if index else ()),
        preprocessing=preprocessing_of(inputs),
    )
    names = dict(zip(index.folders, index.names, strict=True)) if index else {}
    return replace(dataset, class_names=tuple(names.get(folder, folder) for folder in dataset.class_names))


def _image_format(options: DataflowKwargs, input_shape: tuple[int, ...]) -> ImageFormat:
    """What the options leave open follows from the network: its input's size, and colours by its channels."""
    channels = input_shape[2] if len(input_shape) == 3 else 1
    mode = next((mode for mode, count in COLOR_MODES.items() if count == channels), None)
    if len(input_shape) not in (2, 3) or mode is None:
        raise DataError(
            f"image folders: the network takes samples of shape {input_shape}, expected (height, width, channels) with "
            "1, 3 or 4 channels. Store samples of other kinds as arrays, with dataset_format = npz."
        )
    size = options.target_size or (input_shape[0], input_shape[1])
    return ImageFormat(size, options.color_mode or mode, options.interpolation or "nearest")


def _shuffled(dataset: Dataset, options: DataflowKwargs, offset: int) -> Dataset:
    """Shuffle unless told otherwise, as Keras does: files come sorted by class, and the first n would be one class."""
    return dataset if options.shuffle is False else dataset.shuffled((options.seed or 0) + offset)
