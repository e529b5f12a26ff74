import numpy as np
import pytest
from PIL import Image

from snntoolbox.data import ImageFormat, Preprocessing, open_image_folder
from snntoolbox.errors import DataError


def _save(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).convert(mode).save(path) if mode else Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes: cat with two images, dog with one; the grey value tells which is which."""
    _save(tmp_path / "cat" / "b.png", np.full((4, 6, 3), 20, np.uint8))
    _save(tmp_path / "cat" / "a.bmp", np.full((4, 6, 3), 10, np.uint8))
    _save(tmp_path / "dog" / "deeper" / "c.PNG", np.full((4, 6, 3), 30, np.uint8))
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / ".thumbnails").mkdir()
    return tmp_path


def test_images_come_sorted_by_class_and_path(folder):
    data = open_image_folder(folder, ImageFormat((4, 6)))
    assert data.shape == (4, 6, 3)
    assert data.array()[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert data.classes.tolist() == [0, 0, 1]
    assert data.class_names == ("cat", "dog")


def test_classes_give_the_order_and_may_have_no_folder(folder):
    data = open_image_folder(folder, ImageFormat((4, 6)), classes=["bird", "dog", "cat"])
    assert data.classes.tolist() == [1, 2, 2]
    assert data.array()[:, 0, 0, 0].tolist() == [30, 10, 20]


def test_folders_of_no_class_are_left_out(folder):
    assert open_image_folder(folder, ImageFormat((4, 6)), classes=["dog"]).array()[:, 0, 0, 0].tolist() == [30]


def test_a_class_and_a_folder_of_different_names_are_pointed_out(folder):
    with pytest.raises(DataError, match=r"dog: not the folder of a class, and class 'dogs' has no folder.*mean 'dogs'"):
        open_image_folder(folder, ImageFormat((4, 6)), classes=["cat", "dogs"])


def test_images_are_resized_to_height_and_width(tmp_path):
    _save(tmp_path / "a" / "x.png", np.repeat(np.array([[0, 255]], np.uint8), 2, axis=0))
    data = open_image_folder(tmp_path, ImageFormat((2, 4), "grayscale"))
    assert data.array()[0, 0, :, 0].tolist() == [0, 0, 255, 255]
    smooth = open_image_folder(tmp_path, ImageFormat((2, 4), "grayscale", "bilinear")).array()[0, 0, :, 0]
    assert 0 < smooth[1] < smooth[2] < 255


@pytest.mark.parametrize(("mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
@pytest.mark.parametrize("stored", ["L", "RGB", "RGBA", "P"])
def test_any_image_takes_the_wanted_channels(tmp_path, mode, channels, stored):
    _save(tmp_path / "a" / "x.png", np.full((3, 5, 3), 102, np.uint8), stored)
    pixels = open_image_folder(tmp_path, ImageFormat((3, 5), mode)).array()
    assert pixels.shape == (1, 3, 5, channels)
    assert (pixels[..., :3] == 102).all()


def test_grey_images_of_16_bits_keep_their_values(tmp_path):
    _save(tmp_path / "a" / "x.png", np.full((3, 5), 60000, np.uint16))
    assert (open_image_folder(tmp_path, ImageFormat((3, 5), "grayscale")).array() == 60000).all()


def test_channels_are_red_green_blue_unless_turned(tmp_path):
    _save(tmp_path / "a" / "x.png", np.broadcast_to(np.array([200, 100, 0], np.uint8), (2, 2, 3)))
    assert open_image_folder(tmp_path, ImageFormat((2, 2))).array()[0, 0, 0].tolist() == [200, 100, 0]
    turned = open_image_folder(tmp_path, ImageFormat((2, 2)), preprocessing=Preprocessing(channel_order="bgr"))
    assert turned.array()[0, 0, 0].tolist() == [0, 100, 200]


def test_only_the_images_of_a_batch_are_decoded(folder):
    (folder / "dog" / "deeper" / "c.PNG").write_bytes(b"damaged")
    batches = open_image_folder(folder, ImageFormat((4, 6))).batches(2)
    assert len(next(batches)) == 2
    with pytest.raises(DataError, match=r"c\.PNG: not an image that can be read"):
        next(batches)


def test_a_truncated_image_is_named(folder):
    path = folder / "cat" / "b.png"
    path.write_bytes(path.read_bytes()[:45])
    with pytest.raises(DataError, match=r"b\.png: not an image that can be read"):
        open_image_folder(folder, ImageFormat((4, 6))).array()


def test_the_fingerprint_follows_the_files(folder):
    image_format = ImageFormat((4, 6))
    before = open_image_folder(folder, image_format).fingerprint()
    assert open_image_folder(folder, image_format).fingerprint() == before
    assert open_image_folder(folder, ImageFormat((4, 7))).fingerprint() != before
    _save(folder / "cat" / "b.png", np.full((4, 6, 3), 21, np.uint8))
    assert open_image_folder(folder, image_format).fingerprint() != before


def test_folders_without_images_are_refused(tmp_path):
    image_format = ImageFormat((4, 6))
    with pytest.raises(DataError, match="no such folder"):
        open_image_folder(tmp_path / "nowhere", image_format)
    with pytest.raises(DataError, match="got no folder in it"):
        open_image_folder(tmp_path, image_format)
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match=r"expected images \(\.bmp, .*in its class folders, got none"):
        open_image_folder(tmp_path, image_format)
