"""How steady, quick and light the loop over a camera is: `python -m benchmarks.live`.

Clips of a webcam over digits are drawn with known truth (`benchmarks.videos`) and watched from
memory, each frame by itself and steadily; then some at a camera's rate, to see what that costs.
"""

import argparse
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import cv2
from tqdm import tqdm

import siffra
from benchmarks.datasets import DataError, LabelledCells, has_mnist_test, mnist_test
from benchmarks.options import add_data, add_json, write_json
from benchmarks.pacing import Cost, Memory, measure_cost, measure_memory
from benchmarks.sensor import Pixels
from benchmarks.steadiness import SETTLED, STABLE, Delay, Steadiness, judge_clip
from benchmarks.tables import Row, table
from benchmarks.videos import KINDS, LEVELS, RATE, REPORTING, draw_clip
from siffra import ModelError, Reader
from siffra.contract import DEFAULT_MODEL

CALM = ("still", "hand", "slow")
"""The kinds in which all is in view all the time."""
_CHANGING = ("appear", "write", "replace", "leave")
_EIGHT = ("4071", "8325")
_HELD = (40, 100)  # frames of a clip that are kept in memory, to be watched again and again


@dataclass(frozen=True)
class Watched:
    """How one clip was read."""

    kind: str
    seed: int
    level: str
    frames: int
    alone: Steadiness
    """Each frame by itself."""
    steady: Steadiness


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print tables; 2 where the model cannot be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.live", description="Measure the loop over a camera's frames."
    )
    add_data(parser, "with MNIST's test set, half of the clips are written with its digits")
    add_json(parser)
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME_OR_PATH")
    parser.add_argument("--kind", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--clips", type=int, default=3, metavar="N", help="a kind (default: 3)")
    parser.add_argument("--seconds", type=float, default=5, help="of each clip (default: 5)")
    parser.add_argument("--seed", type=int, default=REPORTING, help=f"default: {REPORTING}")
    parser.add_argument(
        "--paced", type=float, default=20, metavar="SECONDS", help="for each cost (default: 20)"
    )
    parser.add_argument(
        "--minutes", type=float, default=0.2, help="to watch the memory (default: 0.2)"
    )
    parser.add_argument(
        "--at-rate", action="store_true", help="watch the memory at a camera's rate, not faster"
    )
    options = parser.parse_args(arguments)
    if options.clips < 1 or options.seed < 0 or options.seconds < 1:
        parser.error("--clips and --seconds must be 1 or more, and --seed 0 or more")
    if min(options.paced, options.minutes) <= 0:
        parser.error("--paced and --minutes must be more than 0")
    cells = None
    if options.data is not None:
        try:
            cells = mnist_test(options.data) if has_mnist_test(options.data) else None
        except DataError as error:
            parser.error(str(error))
    try:
        reader = Reader(options.model)
    except ModelError as error:
        print(f"live: {error}", file=sys.stderr)
        return 2

    cv2.setNumThreads(1)  # as `siffra webcam` does
    seeds = range(options.seed, options.seed + options.clips)
    watched = watch_clips(reader, options.kind, seeds, options.seconds, cells)
    for text in steadiness_tables(watched):
        print(text, flush=True)
    kinds = [kind for kind in CALM if kind in options.kind] or ["hand"]
    costs, memory = _measure_costs(
        reader, kinds, options.seed, options.paced, options.minutes, options.at_rate
    )
    print(_cost_table(costs))
    print(_memory_line(memory))
    if options.json:
        figures = {
            "model": reader.metadata["name"],
            "clips": [asdict(each) for each in watched],
            "costs": {kind: asdict(cost) for kind, cost in costs.items()},
            "memory": {**asdict(memory), "growth": memory.growth},
        }
        write_json(options.json, figures)
    return 0


def watch_clips(
    reader: Reader,
    kinds: Sequence[str],
    seeds: Sequence[int],
    seconds: float,
    cells: LabelledCells | None = None,
) -> list[Watched]:
    """Draw clips of each kind and seed, and read them both ways."""
    found = []
    pairs = [(kind, seed) for kind in kinds for seed in seeds]
    for kind, seed in tqdm(pairs, "clips", leave=False, disable=None):
        clip = draw_clip(kind, seed, seconds=seconds, cells=cells)
        frames = list(clip.frames())
        alone = [reader.read(frame).text for frame in frames]
        steady = steady_texts(frames, reader, clip.rate)
        found.append(
            Watched(
                kind,
                seed,
                clip.level,
                len(clip),
                judge_clip(clip, alone, alone),
                judge_clip(clip, steady, alone),
            )
        )
    return found


def steady_texts(frames: Sequence[Pixels], reader: Reader, rate: float) -> list[str]:
    """Watch frames; return the text of each."""
    with siffra.watch(frames, reader=reader, fps=rate) as watch:
        return [reading.text for _, reading in watch]


def steadiness_tables(watched: Sequence[Watched]) -> list[str]:
    """Lay out what `watch_clips` found."""
    tables = []
    if calm := [each for each in watched if each.kind in CALM]:
        kinds = [_calm_row(kind, [each for each in calm if each.kind == kind]) for kind in CALM]
        levels = [_calm_row(name, [each for each in calm if each.level == name]) for name in LEVELS]
        tables.append(
            table(
                "Steadiness: all digits in view all the time",
                ("clips", "seconds", "flips/min", "steady", "right, %", "steady"),
                [
                    [row for row in kinds if row],
                    [row for row in levels if row],
                    [_calm_row("together", calm)],
                ],
                f"A flip: another text than in the frame before; the first {SETTLED} do not count.",
            )
        )
    changing = [(kind, [each for each in watched if each.kind == kind]) for kind in _CHANGING]
    if rows := [_delay_row(kind, clips) for kind, clips in changing if clips]:
        tables.append(
            table(
                "Frames from a change to its steady reading",
                ("change", "n", "clear", "p50", "max", "others", "p50", "max", "never", "alone"),
                [rows],
                f"Right for {STABLE} frames on end, 1: at once. Clear: each of the first {SETTLED} "
                "is read right\nby itself. Never: not right before the next change, steadily and "
                "each frame alone.",
            )
        )
    if empty := [each for each in watched if each.kind == "empty"]:
        rows = [_empty_row("each frame alone", [each.alone for each in empty])]
        rows.append(_empty_row("steady", [each.steady for each in empty]))
        title = f"No digits: {len(empty)} clips, {sum(e.frames for e in empty) / RATE:.0f} seconds"
        header = ("read", "digits shown/min", "frames with one, %")
        tables.append(table(title, header, [rows]))
    return tables


def _calm_row(name: str, clips: Sequence[Watched]) -> Row:
    if not clips:
        return ()
    alone, steady = _sum(each.alone for each in clips), _sum(each.steady for each in clips)
    minutes = alone.frames / RATE / 60
    return (
        name,
        f"{60 * minutes:.0f}",
        f"{alone.flips / minutes:.1f}",
        f"{steady.flips / minutes:.1f}",
        f"{100 * alone.right / alone.frames:.1f}",
        f"{100 * steady.right / steady.frames:.1f}",
    )


def _delay_row(name: str, clips: Sequence[Watched]) -> Row:
    alone, steady = _sum(each.alone for each in clips), _sum(each.steady for each in clips)
    clear = [delay for delay in steady.delays if delay.clear]
    others = [delay for delay in steady.delays if not delay.clear]
    never = [sum(delay.frames is None for delay in way.delays) for way in (steady, alone)]
    return (
        name,
        str(len(steady.delays)),
        *(str(len(clear)), *_p50_max(clear)),
        *(str(len(others)), *_p50_max(others)),
        *map(str, never),
    )


def _p50_max(delays: Sequence[Delay]) -> tuple[str, str]:
    frames = [delay.frames for delay in delays if delay.frames is not None]
    return (f"{statistics.median(frames):g}", str(max(frames))) if frames else ("-", "-")


def _empty_row(name: str, clips: Sequence[Steadiness]) -> Row:
    total = _sum(clips)
    frames = total.frames + SETTLED * len(clips)
    minutes = frames / RATE / 60
    return (name, f"{total.false / minutes:.1f}", f"{100 * total.shown / frames:.1f}")


def _sum(clips: Iterable[Steadiness]) -> Steadiness:
    return sum(clips, Steadiness())


def _measure_costs(
    reader: Reader,
    kinds: Sequence[str],
    seed: int,
    paced: float,
    minutes: float,
    at_rate: bool,
) -> tuple[dict[str, Cost], Memory]:
    """Watch eight digits at a camera's rate, and then for longer."""
    costs = {}
    for kind in tqdm(kinds, "costs", leave=False, disable=None):
        # An ordinary one: how hard it is goes by the seed.
        clip = draw_clip(kind, seed - seed % len(LEVELS) + 1, lines=_EIGHT)
        frames = list(clip.frames(*_HELD))
        costs[kind] = measure_cost(frames, clip.rate, reader, paced)
    memory = measure_memory(frames, RATE if at_rate else None, reader, 60 * minutes)
    return costs, memory


def _cost_table(costs: Mapping[str, Cost]) -> str:
    rows = [
        (
            kind,
            f"{100 * cost.processor:.1f}",
            f"{cost.p50_ms:.1f}",
            f"{cost.p99_ms:.1f}",
            f"{cost.frames / cost.seconds:.1f}",
            str(cost.dropped),
        )
        for kind, cost in costs.items()
    ]
    seconds = max(cost.seconds for cost in costs.values())
    return table(
        f"Cost: eight digits, 640x480, {RATE:g} frames a second for {seconds:.0f} seconds each",
        ("clip", "% of a core", "p50, ms", "p99, ms", "frames/s", "dropped"),
        [rows],
        "Milliseconds from grabbing a frame to its reading; the camera's own time is not counted.",
    )


def _memory_line(memory: Memory) -> str:
    seen = f"{memory.frames:,} frames in {memory.seconds:.0f} s"
    if memory.growth is None:
        return f"Memory: {seen}; this system does not tell how much"
    shown = ", ".join(f"{each:.1f}" for each in memory.megabytes)
    return f"Memory, MB, at each tenth of {seen}: {shown}; growth {memory.growth:+.1f}"


if __name__ == "__main__":
    sys.exit(main())
