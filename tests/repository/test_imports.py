"""Which module may import what: the rooms' order, and where heavy libraries are allowed."""

import subprocess
import sys

# A module imports from its own room, and from rooms further left or in the same place.
ROOMS = [
    ["errors", "registry"],
    ["config"],
    ["neurons"],
    ["ir"],
    ["codes", "data"],
    ["frontends", "passes", "calibration"],
    ["backends", "training"],
    ["analysis"],
    ["report"],
    ["testing", "conversion", "api", "search", "pipeline"],
    ["cli", "__main__"],
]
PLACE = {room: place for place, rooms in enumerate(ROOMS) for room in rooms}

HEAVY = {
    "brian2": ["snntoolbox.backends.brian2", "snntoolbox.backends.pynn"],
    "keras": ["snntoolbox.ir.evaluate", "snntoolbox.frontends.keras", "snntoolbox.training"],
    "matplotlib": ["snntoolbox.report"],
    "nest": ["snntoolbox.backends.pynn"],
    "neuron": ["snntoolbox.backends.pynn"],
    "nir": ["snntoolbox.frontends.nir"],
    "onnx": ["snntoolbox.frontends.onnx"],
    "onnxruntime": ["snntoolbox.frontends.onnx"],
    "pyNN": ["snntoolbox.backends.pynn"],
    "tensorflow": [
        "snntoolbox.ir.evaluate",
        "snntoolbox.ir.quiet",
        "snntoolbox.ir.tf_",
        "snntoolbox.frontends.keras",
        "snntoolbox.backends.tensorflow",
        "snntoolbox.training",
    ],
}

# Rooms that load none of the above when they are imported.
LIGHT = ["config", "errors", "registry", "neurons", "ir", "codes", "data", "passes", "backends.base", "cli"]


def _room(module):
    """The room of ``snntoolbox.room.module``; None for the package itself, whose names are all lazy."""
    parts = module.split(".")
    return parts[1] if parts[0] == "snntoolbox" and len(parts) > 1 else None


def _room_imports(source):
    """Rooms that a module imports from, each with its line; names of the package itself are no room."""
    found = [(_room(module), line) for module, line in source.imports()]
    return [(room, line) for room, line in found if room is not None and room != _room(source.name)]


def test_every_room_has_a_place(sources):
    assert {_room(source.name) for source in sources} - {None} <= PLACE.keys()


def test_modules_import_only_to_their_left(sources):
    wrong = [
        f"{source.path}:{line}: {_room(source.name)} imports {room}, which is to its right"
        for source in sources
        if _room(source.name)
        for room, line in _room_imports(source)
        if PLACE.get(room, -1) > PLACE[_room(source.name)]
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_import_names_from_where_they_live(sources):
    wrong = [
        f"{source.path}:{line}: snntoolbox.{room} is a name for users; import it from its module"
        for source in sources
        for room, line in _room_imports(source)
        if room not in PLACE and room != "__version__"
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_side_by_side_do_not_import_each_other_in_turn(sources):
    lines = {
        (_room(source.name), room): f"{source.path}:{line}"
        for source in sources
        if _room(source.name)
        for room, line in _room_imports(source)
    }
    wrong = [f"{where} and {lines[b, a]}" for (a, b), where in lines.items() if a < b and (b, a) in lines]
    assert not wrong, "rooms that import each other: " + ", ".join(wrong)


def test_heavy_libraries_stay_in_their_room(sources):
    wrong = [
        f"{source.path}:{line}: {library} is only for {', '.join(HEAVY[library])}"
        for source in sources
        for library, line in ((module.split(".")[0], line) for module, line in source.imports())
        if library in HEAVY and not source.name.startswith(tuple(HEAVY[library]))
    ]
    assert not wrong, "\n".join(wrong)


def test_light_rooms_load_no_heavy_library(repository):
    modules = ", ".join(f"snntoolbox.{room}" for room in LIGHT)
    code = f"import sys, snntoolbox, {modules}; print(*(name for name in {list(HEAVY)} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
