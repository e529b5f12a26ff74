import json

import pytest

from snntoolbox.data import read_class_index
from snntoolbox.errors import DataError


def _written(tmp_path, content):
    path = tmp_path / "classes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_folders_and_names_in_the_order_of_the_indices(tmp_path):
    index = read_class_index(_written(tmp_path, {"1": ["n02", "goldfish"], "0": ["n01", "tench"]}))
    assert index.folders == ("n01", "n02")
    assert index.names == ("tench", "goldfish")


def test_a_name_alone_is_the_folder_too(tmp_path):
    index = read_class_index(_written(tmp_path, {"0": "cat", "1": "dog"}))
    assert index.folders == index.names == ("cat", "dog")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"0": "cat", "2": "dog"}, "index 1 is missing. Expected every index from 0 to 1"),
        ({"0": ["cat"]}, r"expected \"name\" or \[\"folder\", \"name\"\] for 0, got \['cat'\]"),
        ({"0": 5}, "for 0, got 5"),
        ({}, "got no such table"),
        (["cat", "dog"], "got no such table"),
        ("{not json", "is not JSON"),
    ],
)
def test_other_content_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_class_index(_written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"class_idx_path: .*nowhere\.json cannot be read"):
        read_class_index(tmp_path / "nowhere.json")
