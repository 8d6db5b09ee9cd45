"""Where reading breaks: `python -m benchmarks.hardness` reads drawn scenes, from easy to hard.

Each axis varies one thing in some levels, the rest held at an ordinary photo of a note, the same
from level to level. For each level: the share of scenes whose whole text is read exactly, whatever
spaces are in it; precision, recall and F1 of digits; milliseconds.
`benchmarks.outcomes` says what counts as right.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np

from benchmarks.axes import AXES, draw_level
from benchmarks.datasets import DataError, LabelledCells, has_mnist_test, mnist_test
from benchmarks.options import add_data, add_json, write_json
from benchmarks.outcomes import Outcome, judge
from benchmarks.scenes import Scene
from siffra import ModelError, Reader, Reading
from siffra.contract import DEFAULT_MODEL
from siffra.files import replacing


@dataclass(frozen=True)
class LevelResult:
    """How the scenes of one level were read."""

    axis: str
    level: float
    scenes: int
    exact: int
    """Scenes whose whole text was read, and nothing beside it."""
    outcome: Outcome
    milliseconds: float
    """Median for a scene, array to result."""

    def to_dict(self) -> dict[str, object]:
        """Return every figure as JSON types."""
        return {
            "axis": self.axis,
            "level": self.level,
            "scenes": self.scenes,
            "exact": self.exact / self.scenes,
            "precision": self.outcome.precision,
            "recall": self.outcome.recall,
            "f1": self.outcome.f1,
            "milliseconds": self.milliseconds,
            **asdict(self.outcome),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and read every level of the axes asked for, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hardness",
        description="Read drawn scenes from easy to hard, and show where reading breaks.",
    )
    add_data(parser, "with MNIST's test set, half of the scenes are written with its digits")
    add_json(parser)
    parser.add_argument("--axis", nargs="+", metavar="NAME", choices=list(AXES), default=list(AXES))
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME_OR_PATH")
    parser.add_argument("--scenes", type=int, default=8, metavar="N", help="a level (default: 8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, metavar="DIR", help="write what was misread there")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw the grid there: .png")
    options = parser.parse_args(arguments)
    if options.scenes < 1 or options.seed < 0:
        parser.error("--scenes must be 1 or more, and --seed 0 or more")
    cells = None
    if options.data is not None:
        try:
            cells = mnist_test(options.data) if has_mnist_test(options.data) else None
        except DataError as error:
            parser.error(str(error))

    cv2.setNumThreads(1)  # as the network has it
    try:
        reader = Reader(options.model)
    except ModelError as error:
        print(f"hardness: {error}", file=sys.stderr)
        return 2
    results: list[LevelResult] = []
    print(
        f"{reader.metadata.get('name', options.model)}, {options.scenes} scenes a level: "
        "what it is, exact %, F1 %"
    )
    for axis in options.axis:
        found = measure(
            axis, reader, options.scenes, seed=options.seed, cells=cells, save=options.save
        )
        results += found
        print(_row(found), flush=True)
    print(_summary(results))
    if options.json:
        write_json(options.json, [result.to_dict() for result in results])
    if options.figure:
        draw_grid(results, options.figure)
    return 0


def measure(
    axis: str,
    reader: Reader,
    scenes: int,
    *,
    seed: int,
    cells: LabelledCells | None = None,
    save: Path | None = None,
) -> list[LevelResult]:
    """Read the scenes of an axis, level after level; save what is misread, with what was read."""
    results = []
    for place, level in enumerate(AXES[axis].levels):
        exact, total, times = 0, Outcome(), []
        for number in range(scenes):
            scene = draw_level(axis, level, number, seed=seed, cells=cells)
            turns = round(level / 90) if AXES[axis].turned else 0
            picture = np.ascontiguousarray(np.rot90(scene.image, turns))
            started = perf_counter()
            reading = reader.read(picture, rotate="auto" if AXES[axis].turned else 0)
            times.append(1e3 * (perf_counter() - started))
            outcome, right = judge(scene, reading)
            exact += right
            total += outcome
            if save and not right:
                name = f"{axis.replace(' ', '-')}-{place}-{number:02}"
                _save(save, name, scene, reading)
        results.append(LevelResult(axis, level, scenes, exact, total, median(times)))
    return results


def _row(results: Sequence[LevelResult]) -> str:
    """The exact share and F1 of each level of an axis, and what went wrong on all of them."""
    levels = "  ".join(
        f"{result.level:5g} {result.exact / result.scenes:4.0%} {_f1(result.outcome)}"
        for result in results
    )
    total = sum((result.outcome for result in results), Outcome())
    wrong = {
        name: count for name, count in asdict(total).items() if name not in ("digits", "right")
    }
    causes = ", ".join(f"{name} {count}" for name, count in wrong.items() if count)
    slowest = max(result.milliseconds for result in results)
    return f"{results[0].axis:11} {levels}  {slowest:5.1f} ms  {causes}"


def _f1(outcome: Outcome) -> str:
    return f"{100 * outcome.f1:3.0f}" if outcome.digits else "  -"


def _summary(results: Sequence[LevelResult]) -> str:
    scenes = sum(result.scenes for result in results)
    exact = sum(result.exact for result in results)
    total = sum((result.outcome for result in results), Outcome())
    return (
        f"all {scenes} scenes: exact {exact / scenes:.1%}, precision {total.precision:.1%}, "
        f"recall {total.recall:.1%}, F1 {total.f1:.1%}"
    )


def draw_grid(results: Sequence[LevelResult], path: Path) -> None:
    """Write a heat map of hardness against accuracy: the share read exactly, as a picture."""
    # Imported here: the table needs no matplotlib.
    from matplotlib.figure import Figure

    axes = list(dict.fromkeys(result.axis for result in results))
    rows = [[result for result in results if result.axis == axis] for axis in axes]
    shares = np.full((len(rows), max(map(len, rows))), np.nan)
    figure = Figure(figsize=(7, 1.2 + 0.24 * len(rows)), layout="constrained")
    plot = figure.add_subplot()
    for y, row in enumerate(rows):
        for x, result in enumerate(row):
            shares[y, x] = 100 * result.exact / result.scenes
            # Dark letters on the light colours of the middle.
            colour = "black" if 15 < shares[y, x] < 85 else "white"
            text = f"{result.level:g}:  {shares[y, x]:.0f}"
            plot.text(x, y, text, ha="center", va="center", fontsize=7, color=colour)
    image = plot.imshow(shares, cmap="RdYlGn", vmin=0, vmax=100, aspect="auto")
    plot.set_yticks(range(len(axes)), axes, fontsize=8)
    plot.set_xticks([0, shares.shape[1] - 1], ["easy", "hard"])
    plot.set_title("scenes read exactly, %, by what is varied", fontsize=10)
    figure.colorbar(image, shrink=0.5)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _save(folder: Path, name: str, scene: Scene, reading: Reading) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Encoded here, not by imwrite, which cannot open every path on Windows.
    for suffix, picture in (("", scene.image), ("-read", reading.draw())):
        _, content = cv2.imencode(".png", picture)
        (folder / f"{name}{suffix}.png").write_bytes(content.tobytes())


if __name__ == "__main__":
    sys.exit(main())
