"""Arrays out of ``.npz`` files, without reading more than is asked for and without running what a file may hide."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import DataError

__all__ = ["array_names", "open_array"]

_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip member: its name and extra field follow, then the data


def array_names(path: Path) -> list[str]:
    """Return the names of the arrays in an ``.npz`` file.

    Raises:
        DataError: The file is missing or is not an ``.npz`` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file. Expected an .npz file as np.savez writes it.") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: not an .npz file ({error}). Expected a file as np.savez writes it.") from error


def open_array(path: Path, names: Sequence[str], *, or_only: bool = False) -> NDArray[Any]:
    """Return one array of an ``.npz`` file.

    An array saved by ``np.savez`` is mapped into memory: only the samples that are used are read. One saved by
    ``np.savez_compressed`` has to be unpacked as a whole, in its own type.

    Args:
        path: The file.
        names: Names to look for, in this order.
        or_only: If the file has none of them, but a single array, take that.

    Raises:
        DataError: The file is missing, damaged, does not say which array is meant, or holds Python objects.
    """
    present = array_names(path)
    only = present[0] if or_only and len(present) == 1 else None
    name = next((name for name in names if name in present), only)
    if name is None:
        expected = " or ".join(f"'{name}'" for name in names)
        raise DataError(f"{path}: expected an array {expected}, got {', '.join(present) or 'no array at all'}")
    try:
        with zipfile.ZipFile(path) as archive:
            return _open_member(path, archive, archive.getinfo(f"{name}.npy"))
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError) as error:
        raise DataError(f"{path}: array '{name}' cannot be read ({error}). The file may be damaged.") from error


def _open_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as stream:
        shape, is_fortran, dtype = _read_header(stream)
        if dtype.hasobject:
            raise DataError(
                f"{path}: {member.filename} holds Python objects, which are not loaded, since that could run code. "
                "Expected numbers: samples of equal shape make one array, np.stack(samples)."
            )
        header_size = stream.tell()
    if member.compress_type == zipfile.ZIP_STORED and 0 not in shape:
        offset = _data_offset(path, member) + header_size
        return np.memmap(path, dtype, "r", offset, shape, "F" if is_fortran else "C")
    with archive.open(member) as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)  # type: ignore[no-untyped-call]
    return array


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether the order is Fortran's, and type."""
    header: tuple[tuple[int, ...], bool, np.dtype[Any]]
    if np.lib.format.read_magic(stream) == (1, 0):  # type: ignore[no-untyped-call]
        header = np.lib.format.read_array_header_1_0(stream)  # type: ignore[no-untyped-call]
    else:
        header = np.lib.format.read_array_header_2_0(stream)  # type: ignore[no-untyped-call]
    return header


def _data_offset(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where the data of a member begins; only the header beside the data knows, not the directory at the end."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    return int(member.header_offset + _LOCAL_HEADER.size + name_length + extra_length)
