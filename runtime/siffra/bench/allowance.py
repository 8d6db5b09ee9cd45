"""What the machine itself may have done to a row, by its yardstick and the waits for a core."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .figures import Level, Ratio, level, level_of_turns, ratio

_SLICE = 5e5  # ns: shorter calls are seldom interrupted, and half of them never is
_MOST_WAITING = 0.9  # of the time of a turn: beyond, nothing can be said of the rest
_ONE_CORE = 1.1  # cores at work during a call, up to which the calling thread does all
_NO_CHANGE = Ratio(1.0, 1.0, 1.0)


def yardsticks(rows: Sequence[Mapping[str, Any]]) -> dict[int, Level]:
    """Return the level of the yardstick over the turns, by cores used at once."""
    turns: dict[int, dict[int, list[float]]] = {}
    for row in rows:
        for number, turn in enumerate(row["turns"]):
            if turn["yardstick_ns"] is not None:
                of_cores = turns.setdefault(row["parallel"], {})
                of_cores.setdefault(number, []).append(turn["yardstick_ns"])
    return {
        cores: level([float(np.median(values)) for values in by_turn.values()])
        for cores, by_turn in turns.items()
    }


def machine_ratio(before: Mapping[int, Level], after: Mapping[int, Level]) -> dict[int, Ratio]:
    """Return by how much the machine changed between two `yardsticks`, by cores."""
    common = sorted(before.keys() & after.keys())
    return {cores: ratio(before[cores], after[cores], len(common)) for cores in common}


def allowed(
    old: Mapping[str, Any], new: Mapping[str, Any], machine: Mapping[int, Ratio]
) -> tuple[float, float]:
    """Return between which ratios the machine alone may have brought a row."""
    cores = 1 if max(map(_busy, (old, new))) <= _ONE_CORE and 1 in machine else new["parallel"]
    change = machine.get(cores, _NO_CHANGE)
    low, high = min(1.0, change.low), max(1.0, change.high)
    kept = [_kept_waiting(row["turns"]) for row in (old, new)]
    if all(kept) and min(level_of_turns(row["turns"]).log for row in (old, new)) >= np.log(_SLICE):
        starved = ratio(level(kept[0]), level(kept[1]))
        low, high = low * min(1.0, starved.low), high * max(1.0, starved.high)
    return low, high


def _busy(row: Mapping[str, Any]) -> float:
    """Return how many cores were at work during a call."""
    turns = row["turns"]
    return float(sum(t["cpu_ns"] for t in turns) / sum(sum(t["ns"]) for t in turns))


def _kept_waiting(turns: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return how many times as long each turn took as with a core to itself; empty: not told."""
    told = [turn for turn in turns if turn["waited_ns"] is not None]
    return [1e9 / (1 - min(_MOST_WAITING, t["waited_ns"] / max(1.0, t["wall_ns"]))) for t in told]
