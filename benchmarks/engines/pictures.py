"""Whole pictures beside other programs: the same files, in processes that take turns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.engines.results import Spread, spread
from benchmarks.engines.turns import Effort, Task, rounds, started
from benchmarks.scenes import draw_scene
from benchmarks.strings import as_label

_LINES = ("4071", "8325")
_SIZES = ((640, 480), (1280, 720))


@dataclass(frozen=True)
class PictureTime:
    """How long a reader takes for a picture, from file to text."""

    picture: str
    reader: str
    version: str
    text: str
    """What was read, lines separated by `/`."""
    right: bool
    """Whether that is what is written."""
    ms: Spread
    """Median of a round."""
    calls: int
    """In all rounds."""
    ratios: Mapping[str, Spread]
    """Of its time to that of each model of siffra, within a round."""


def draw_pictures(folder: Path) -> dict[Path, str]:
    """Draw eight digits in ordinary light, in two sizes; return the files with their labels.

    They are BMP, which takes next to no time to decode: reading is what is compared.
    """
    files = {}
    for width, height in _SIZES:
        scene = draw_scene(
            _LINES, size=(height, width), digit_height=height / 6, light=0.2, noise=0.2, seed=1
        )
        path = folder / f"{width}x{height}.bmp"
        cv2.imwrite(str(path), scene.image)
        files[path] = as_label(scene.text)
    return files


class Read(NamedTuple):
    """What a reader said."""

    version: str
    texts: Mapping[Path, str]
    """Of each picture, lines separated by `/`."""


def read_once(task: Task, files: Iterable[Path]) -> Read:
    """Have a process read pictures.

    Raises:
        EngineError: It cannot.
    """
    with started(task) as worker:
        return Read(
            worker.facts["version"], {path: as_label(worker.ask(str(path))) for path in files}
        )


def time_pictures(
    files: Mapping[Path, str],
    readers: Mapping[str, tuple[Task, Read]],
    models: Sequence[str],
    effort: Effort,
    step: Callable[[], None],
) -> list[PictureTime]:
    """Read pictures in rounds.

    Args:
        files: Pictures with their labels.
        readers: Siffra's models and others, with what `read_once` gave.
        models: Those of siffra.
        effort: How much.
        step: Called for each reader in each round.

    Raises:
        EngineError: A reader does not load, or ended before its time.
    """
    tasks = {name: task for name, (task, _) in readers.items()}
    times = [turns.times for turns in rounds(tasks, list(map(str, files)), effort, step)]

    def medians(name: str, path: Path) -> list[float]:
        return [1e3 * float(np.median(each[name, str(path)])) for each in times]

    def ratio(name: str, model: str, path: Path) -> Spread:
        pairs = zip(medians(name, path), medians(model, path), strict=True)
        return spread([theirs / ours for theirs, ours in pairs])

    return [
        PictureTime(
            picture=path.stem,
            reader=name,
            version=read.version,
            text=read.texts[path],
            right=read.texts[path] == label,
            ms=spread(medians(name, path)),
            calls=sum(len(each[name, str(path)]) for each in times),
            ratios={model: ratio(name, model, path) for model in models},
        )
        for path, label in files.items()
        for name, (_, read) in readers.items()
    ]
