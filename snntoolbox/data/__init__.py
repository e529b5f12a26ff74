"""Samples and labels: files, folders or arrays in, prepared float32 batches out."""

from snntoolbox.data.classes import ClassIndex, read_class_index
from snntoolbox.data.dataset import Dataset, from_arrays
from snntoolbox.data.images import ImageFormat, open_image_folder
from snntoolbox.data.labels import Labels, interpret_labels
from snntoolbox.data.load import choose_samples, load_normalization_set, load_test_set, preprocessing_of
from snntoolbox.data.npz import open_array
from snntoolbox.data.preprocessing import Preprocessing
from snntoolbox.data.source import ArraySource, SampleSource

__all__ = [
    "ArraySource",
    "ClassIndex",
    "Dataset",
    "ImageFormat",
    "Labels",
    "Preprocessing",
    "SampleSource",
    "choose_samples",
    "from_arrays",
    "interpret_labels",
    "load_normalization_set",
    "load_test_set",
    "open_array",
    "open_image_folder",
    "preprocessing_of",
    "read_class_index",
]
