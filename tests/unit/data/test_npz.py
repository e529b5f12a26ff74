import zipfile

import numpy as np
import pytest

from snntoolbox.data import open_array
from snntoolbox.errors import DataError


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, ">i2", bool])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_array_comes_back_as_it_was_saved(tmp_path, rng, dtype, order, save):
    array = np.asarray(rng.integers(0, 2, (5, 4, 3)).astype(dtype), order=order)
    save(tmp_path / "a.npz", first=np.arange(3), x_test=array)
    loaded = open_array(tmp_path / "a.npz", ["x_test"])
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)


def test_an_uncompressed_array_is_mapped_and_not_read(tmp_path, rng):
    np.savez(tmp_path / "a.npz", rng.random((5, 4)))
    mapped = open_array(tmp_path / "a.npz", ["arr_0"])
    assert isinstance(mapped, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 1


def test_the_names_are_tried_in_order(tmp_path):
    np.savez(tmp_path / "a.npz", x_test=np.array([1]), arr_0=np.array([2]))
    assert open_array(tmp_path / "a.npz", ["arr_0", "x_test"]).tolist() == [2]
    assert open_array(tmp_path / "a.npz", ["missing", "x_test"]).tolist() == [1]


def test_the_only_array_is_taken_if_that_is_allowed(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([1]))
    assert open_array(tmp_path / "a.npz", ["arr_0"], or_only=True).tolist() == [1]
    with pytest.raises(DataError, match="expected an array 'arr_0', got images"):
        open_array(tmp_path / "a.npz", ["arr_0"])


def test_which_of_several_is_meant_is_not_guessed(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([1]), other=np.array([1]))
    with pytest.raises(DataError, match="expected an array 'arr_0' or 'x_test', got images, other"):
        open_array(tmp_path / "a.npz", ["arr_0", "x_test"], or_only=True)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_empty_array_can_be_opened(tmp_path, save):
    save(tmp_path / "a.npz", np.zeros((0, 4)))
    assert open_array(tmp_path / "a.npz", ["arr_0"]).shape == (0, 4)


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", np.array([{"run": "me"}, None], dtype=object))
    with pytest.raises(DataError, match=r"arr_0\.npy holds Python objects"):
        open_array(tmp_path / "a.npz", ["arr_0"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.npz: no such file"):
        open_array(tmp_path / "nowhere.npz", ["arr_0"])


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"not a zip file")
    with pytest.raises(DataError, match=r"a\.npz: not an \.npz file"):
        open_array(tmp_path / "a.npz", ["arr_0"])


def test_a_damaged_array_is_named(tmp_path, rng):
    np.savez_compressed(tmp_path / "a.npz", rng.random((100, 10)))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[500:600] = bytes(100)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="array 'arr_0' cannot be read"):
        open_array(tmp_path / "a.npz", ["arr_0"])


def test_a_zip_file_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "no arrays")
        archive.writestr("x.npy", b"no header")
    with pytest.raises(DataError, match="array 'x' cannot be read"):
        open_array(tmp_path / "a.npz", ["arr_0"], or_only=True)
