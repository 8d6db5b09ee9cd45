"""Snapshots: a picture, what was found drawn on it, and the reading as JSON, side by side."""

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from .draw import to_png
from .files import replace_all
from .results import Reading
from .sources import OVERLAY

_ENDINGS = (".json", OVERLAY.format(verb="read"), ".png")  # where there is a picture, all are


def save_snapshot(reading: Reading, folder: Path, facts: Mapping[str, Any]) -> Path:
    """Save a reading under a new name with date and time, that no file has yet.

    Args:
        reading: What was read, with its picture.
        folder: Where to save it; it is made if there is none.
        facts: JSON types that stand in the JSON file before the reading.

    Returns:
        Path of the picture; the overlay and the JSON file have its name and other endings.

    Raises:
        OSError: They cannot be written; then none of them is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = _free_stem(folder, f"siffra-{datetime.now():%Y%m%d-%H%M%S}")
    text = json.dumps({**facts, **reading.to_dict()}, indent=2) + "\n"
    contents = text.encode(), to_png(reading.draw()), to_png(reading.picture)
    paths = [folder / f"{stem}{ending}" for ending in _ENDINGS]
    replace_all(dict(zip(paths, contents, strict=True)))
    return paths[-1]


def _free_stem(folder: Path, stem: str) -> str:
    for number in count(1):
        candidate = stem if number == 1 else f"{stem}-{number}"
        if not any((folder / f"{candidate}{ending}").exists() for ending in _ENDINGS):
            return candidate
    raise AssertionError("numbers do not end")
