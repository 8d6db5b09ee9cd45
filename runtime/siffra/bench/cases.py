"""What is measured: the cases of each workload, and how long each is measured for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import WORKLOADS

NEEDS_OPENCV = frozenset({"picture", "paced"})

_SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
_DIGITS = (1, 8, 40)
_FRAME = (640, 480, 8)  # what a webcam gives
_LARGE = (1920, 1080, 8)
_FRAMES = 4  # that a paced reader gets in turns; they differ in their noise


@dataclass(frozen=True)
class Scene:
    """A page to draw."""

    width: int
    height: int
    digits: int
    frames: int = 1

    @property
    def name(self) -> str:
        """How tables and files call it."""
        return f"{self.width}x{self.height}, {self.digits} digit{'s'[: self.digits > 1]}"


@dataclass(frozen=True)
class Case:
    """One thing to measure, of each model in turns."""

    workload: str
    name: str
    items: int = 1
    """Cells of one call; 0 where a call reads a picture."""
    threads: int = 1
    """Threads that compute one inference."""
    opencv_threads: int | None = None
    """What `cv2.setNumThreads` is given; None where no picture is read."""
    seconds: float = 0.0
    """How long one turn measures, warm-up apart."""
    fps: float | None = None
    """Calls a second; None: as fast as they go."""
    scene: Scene | None = None
    sources: tuple[str, ...] = ()
    """What to read in turn: files of one's own, or one array of NumPy's."""
    models: tuple[str, ...] = ()
    """The only models that are measured; empty: all."""
    expected: str | None = field(default=None, compare=False)
    """The digits of the picture in reading order; None where they are not known."""

    @property
    def parallel(self) -> int:
        """Cores that it may use at once."""
        return max(self.threads, self.opencv_threads or 1)


@dataclass(frozen=True)
class Plan:
    """All that one run measures."""

    cases: tuple[Case, ...]
    models: tuple[str, ...]
    turns: int
    """Each in fresh processes."""
    cold: bool
    """Whether starting is measured."""
    starts: int
    """Processes of each model and turn that are only started, beside the one that measures."""


def plan(
    workloads: Sequence[str],
    models: Sequence[str],
    main: str,
    *,
    quick: bool,
    turns: int | None,
    fps: float,
    threads: Sequence[int],
    opencv_threads: int | None,
    sources: Sequence[Path] = (),
) -> Plan:
    """Say what to measure.

    Args:
        workloads: Some of `WORKLOADS`.
        models: Names or paths.
        main: The one of them that is measured where measuring all would take too long.
        quick: Fewer cases, shorter and fewer turns.
        turns: How many, where not the usual number.
        fps: Calls a second of the workload `paced`.
        threads: Numbers of threads to sweep.
        opencv_threads: What OpenCV takes by itself; None where it is not installed.
        sources: Pictures to read in place of drawn scenes.
    """
    cases: list[Case] = []
    cell_seconds, picture_seconds = (0.02, 0.05) if quick else (0.05, 0.1)
    if "cell" in workloads:
        cases.append(Case("cell", "1 cell", seconds=cell_seconds))
    if "batch" in workloads:
        sizes = (16, 256) if quick else tuple(2**power for power in range(11))
        one = "cell" in workloads
        cases += (_batch(size, 1, cell_seconds) for size in sizes if size > one)
    if "threads" in workloads:
        sizes = (256,) if quick else (256, 1024)
        cases += (_batch(size, count, cell_seconds) for size in sizes for count in threads)
    if opencv_threads is not None:
        usual = Case("picture", "", 0, 1, opencv_threads, picture_seconds)

        def drawn(scene: Scene) -> Case:
            return replace(usual, name=scene.name, scene=scene)

        if "picture" in workloads and sources:
            names = [path.name for path in sources]
            cases += (
                replace(
                    usual, name=name if names.count(name) == 1 else str(path), sources=(str(path),)
                )
                for name, path in zip(names, sources, strict=True)
            )
        elif "picture" in workloads:
            shapes = [_FRAME] if quick else [(*size, count) for size in _SIZES for count in _DIGITS]
            cases += (drawn(Scene(*shape)) for shape in shapes)
        if "threads" in workloads and opencv_threads > 1 and not sources:
            for shape in [_FRAME] if quick else [_FRAME, _LARGE]:
                case = replace(drawn(Scene(*shape)), models=(main,))
                cases += (replace(case, opencv_threads=1), case)
        if "paced" in workloads:
            frames = Scene(*_FRAME, frames=_FRAMES)
            case = drawn(frames)
            if sources:
                many = f"{len(sources)} picture{'s'[: len(sources) > 1]}"
                case = replace(usual, name=many, sources=tuple(map(str, sources)))
            case = replace(case, workload="paced", fps=fps, name=f"{fps:g} fps, {case.name}")
            only = (main,) if quick else ()
            cases.append(replace(case, seconds=0.5 if quick else 1.5, models=only))
    return Plan(
        cases=_once(cases),
        models=tuple(models),
        turns=turns or (5 if quick else 10),
        cold="cold" in workloads,
        starts=0 if quick else 2,
    )


def _batch(size: int, threads: int, seconds: float) -> Case:
    return Case("batch", f"{size} cell{'s'[: size > 1]}", size, threads, seconds=seconds)


def _once(cases: list[Case]) -> tuple[Case, ...]:
    """Drop what a sweep asks for again, and put what is alike side by side.

    Of two, what is measured of all models stays.
    """
    kept: dict[tuple[object, ...], Case] = {}
    names: dict[tuple[str, str], int] = {}
    for case in cases:
        name = case.workload, case.name
        names.setdefault(name, len(names))
        key = *name, case.threads, case.opencv_threads
        if key not in kept or not case.models:
            kept[key] = case
    return tuple(
        sorted(
            kept.values(),
            key=lambda case: (
                WORKLOADS.index(case.workload),
                names[case.workload, case.name],
                case.threads,
                case.opencv_threads or 0,
            ),
        )
    )
