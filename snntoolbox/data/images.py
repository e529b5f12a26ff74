"""Folders of images, one folder a class, decoded only when a batch asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snntoolbox.data.dataset import Dataset
from snntoolbox.data.labels import Labels
from snntoolbox.data.preprocessing import Preprocessing
from snntoolbox.errors import DataError
from snntoolbox.registry import suggest

__all__ = ["COLOR_MODES", "IMAGE_SUFFIXES", "INTERPOLATIONS", "ImageFormat", "ImageSource", "open_image_folder"]

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png")

ColorMode = Literal["grayscale", "rgb", "rgba"]

COLOR_MODES: Mapping[ColorMode, int] = {"grayscale": 1, "rgb": 3, "rgba": 4}

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class ImageFormat:
    """What an image file becomes.

    Attributes:
        size: Height and width in pixels; other images are resized, without regard to their proportions.
        color_mode: Channels: grayscale 1, rgb 3, rgba 4.
        interpolation: How images are resized.
    """

    size: tuple[int, int]
    color_mode: ColorMode = "rgb"
    interpolation: str = "nearest"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return (*self.size, COLOR_MODES[self.color_mode])


@dataclass(frozen=True)
class ImageSource:
    """Image files as samples (height, width, channels) with values from 0 to 255.

    Attributes:
        paths: The files.
        format: What each becomes.
        name: The folder, as messages name it.
    """

    paths: tuple[Path, ...]
    format: ImageFormat
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return self.format.shape

    def __len__(self) -> int:
        """Number of files."""
        return len(self.paths)

    def read(self, indices: NDArray[np.intp]) -> NDArray[Any]:
        """Decode and resize these images: float32 (len(indices), height, width, channels).

        Raises:
            DataError: A file is no image, or is damaged.
        """
        images = np.empty((len(indices), *self.shape), dtype=np.float32)
        for row, index in enumerate(indices):
            images[row] = _decode(self.paths[index], self.format)
        return images

    def fingerprint(self, indices: NDArray[np.intp]) -> str:
        """Return a hash of the format and of the content of these files."""
        digest = hashlib.blake2b(repr(self.format).encode(), digest_size=16)
        for index in indices:
            with self.paths[index].open("rb") as file:
                digest.update(hashlib.file_digest(file, "blake2b").digest())
        return digest.hexdigest()


def open_image_folder(
    folder: Path,
    image_format: ImageFormat,
    *,
    classes: Sequence[str] = (),
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """Return the images in ``folder/<class>/`` (and below), sorted by class and path, labelled by class.

    Args:
        folder: Holds a folder for each class.
        image_format: What the files become.
        classes: Folder of each class, in the order of the network's outputs: by default all folders, sorted by name.
            A class without a folder has no samples, a folder of no class is left out.
        preprocessing: What is done to each image when it is read.

    Raises:
        DataError: There is no such folder, no class folder or no image, or folders and classes have different names.
    """
    present = _class_folders(folder)
    classes = tuple(classes) or present
    _check_classes(folder, present, classes)
    files = [(path, label) for label, name in enumerate(classes) for path in _image_files(folder / name)]
    if not files:
        raise DataError(f"{folder}: expected images ({', '.join(IMAGE_SUFFIXES)}) in its class folders, got none")
    paths, labels = zip(*files, strict=True)
    return Dataset(
        ImageSource(paths, image_format, str(folder)),
        labels=Labels(classes=np.array(labels, dtype=np.int64)),
        preprocessing=preprocessing or Preprocessing(),
        class_names=classes,
    )


def _class_folders(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Expected one that holds a folder of images for each class.")
    names = tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")))
    if not names:
        raise DataError(f"{folder}: expected a folder of images for each class, got no folder in it")
    return names


def _check_classes(folder: Path, present: Sequence[str], classes: Sequence[str]) -> None:
    """Folders of no class are a subset at work, classes of no folder have no samples; both at once is a wrong name."""
    unknown = [name for name in present if name not in classes]
    missing = [name for name in classes if name not in present]
    if unknown and missing:
        raise DataError(
            f"{folder / unknown[0]}: not the folder of a class, and class '{missing[0]}' has no folder "
            f"({len(unknown)} such folders, {len(missing)} such classes).{suggest(unknown[0], missing)} "
            "Rename one of them, or take the folder away."
        )


def _image_files(folder: Path) -> list[Path]:
    """Image files in a folder and below it, in a fixed order; none if there is no such folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())


def _decode(path: Path, image_format: ImageFormat) -> NDArray[np.float32]:
    """Return one image as (height, width, channels)."""
    height, width = image_format.size
    try:
        with Image.open(path) as opened:
            image = _with_channels(opened, image_format.color_mode)
            if image.size != (width, height):
                image = image.resize((width, height), INTERPOLATIONS[image_format.interpolation])
            pixels = np.asarray(image, dtype=np.float32)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on damaged files, by format
        raise DataError(f"{path}: not an image that can be read ({error}). Repair or remove the file.") from error
    return pixels.reshape(image_format.shape)


def _with_channels(image: Image.Image, color_mode: ColorMode) -> Image.Image:
    """Return the image with the wanted channels; grey images of 16 or 32 bits keep their range of values."""
    if color_mode == "grayscale":
        return image if image.mode in ("L", "I", "F") or image.mode.startswith("I;16") else image.convert("L")
    return image.convert(color_mode.upper())
