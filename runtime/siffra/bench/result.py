"""The result of a run as a document, `schema.json` says what is in it; written and read here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from time import get_clock_info
from typing import Any

import numpy as np

from ..arguments import UsageError
from ..files import replacing
from .advice import advice
from .allowance import allowed, machine_ratio, yardsticks
from .cases import Plan
from .figures import detectable, level_of_turns
from .machine import machine, software
from .rounds import SEED, Measured
from .worker import WARM_UP

KIND, VERSION = "siffra-bench", 1
"""What the document says that it is; another version has other fields."""

_COMPARED = {
    **dict.fromkeys(("machine", "software", "models", "plan"), dict),
    **{"complete": bool, "load": list, "rows": list},
}
_NUMBER = (int, float)
_UNKNOWN = (*_NUMBER, type(None))
_OF_ROWS = {
    **{"key": str, "parallel": int, "cpu_ns_per_call": _NUMBER, "turns": list},
    **{"input_sha256": (str, type(None)), "digits_right": _UNKNOWN},
}
_OF_TURNS = {
    **{"ns": list, "wall_ns": _NUMBER, "cpu_ns": _NUMBER},
    **{"waited_ns": _UNKNOWN, "yardstick_ns": _UNKNOWN},
}


def result_of(
    measured: Measured,
    plan: Plan,
    models: dict[str, Any],
    main: str,
    skipped: Sequence[str],
    quick: bool,
) -> dict[str, Any]:
    """Put together what was measured and what it depends on.

    Args:
        measured: By `rounds.measure`.
        plan: What was to be measured.
        models: Facts about each model, by the name that rows have.
        main: The model that is read with unless another is asked for.
        skipped: What was asked for and could not be measured, and why.
        quick: Whether that was asked for.
    """
    rows = [row.to_dict() for row in measured.rows]
    yards = yardsticks(rows)
    machine_itself = machine_ratio(yards, yards)
    for row in rows:
        _, high = allowed(row, row, machine_itself)
        told = detectable(level_of_turns(row["turns"]), len(rows), high)
        row["detectable_ratio"] = None if told is None else round(told, 4)
    return {
        "kind": KIND,
        "version": VERSION,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "complete": measured.complete,
        "seconds": round(measured.seconds, 1),
        "plan": {
            "quick": quick,
            "turns": plan.turns,
            "finished_turns": measured.turns,
            "warm_up": WARM_UP,
            "seed": SEED,
            "main_model": main,
            "clock_resolution_ns": 1e9 * get_clock_info("perf_counter").resolution,
            "skipped": list(skipped),
        },
        "machine": machine(),
        "software": software(),
        "models": models,
        "load": measured.load,
        "noise": _noise(rows),
        "advice": advice(rows, models, main),
        "rows": rows,
    }


def _noise(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    told = [row["detectable_ratio"] for row in rows]
    known = [ratio for ratio in told if ratio is not None]
    yards = [turn["yardstick_ns"] for row in rows for turn in row["turns"] if row["parallel"] == 1]
    yards = [value for value in yards if value is not None]
    return {
        "detectable_ratio": round(float(np.median(known)), 4) if known else None,
        "worst_detectable_ratio": max(known, default=None),
        "yardstick_ns": float(np.median(yards)) if yards else None,
        "yardstick_spread": round(float(np.std(np.log(yards))), 4) if yards else None,
    }


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a document as JSON, whole or not at all: each row of a result on a line."""
    rows = ",\n  ".join(json.dumps(row) for row in document["rows"])
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in document.items() if k != "rows"]
    text = "{\n" + ",\n".join([*lines, f' "rows": [\n  {rows}\n ]']) + "\n}\n"
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    """Read a result.

    Raises:
        UsageError: The file cannot be read, is none of siffra's, or is of another version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON ({error}); siffra bench --json writes it") from error
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise UsageError(f"{path}: is no result of siffra bench; siffra bench --json writes one")
    if document.get("version") != VERSION:
        raise UsageError(
            f"{path}: has version {document.get('version')} of the format, this siffra knows "
            f"{VERSION}; measure again with one siffra"
        )
    damage = next(_damages(document), None)
    if damage:
        raise UsageError(f"{path}: is damaged, {damage} is missing or wrong; measure again")
    return document


def _damages(document: dict[str, Any]) -> Iterator[str]:
    """Yield the path of each value that comparing needs and that is missing or wrong."""
    yield from _wrong(document, _COMPARED, "")
    yield from _wrong(document["software"], {"zlib": str}, "software.")
    for number, look in enumerate(document["load"]):
        yield from _wrong(look, {"others_share": _UNKNOWN}, f"load.{number}.")
    for number, row in enumerate(document["rows"]):
        at = f"rows.{number}."
        yield from _wrong(row, _OF_ROWS, at)
        if not row["turns"]:
            yield f"{at}turns"
        for index, turn in enumerate(row["turns"]):
            inner = f"{at}turns.{index}."
            yield from _wrong(turn, _OF_TURNS, inner)
            samples = turn["ns"]
            if not samples or not all(_is(value, _NUMBER) and value > 0 for value in samples):
                yield f"{inner}ns"
            if turn["yardstick_ns"] is not None and turn["yardstick_ns"] <= 0:
                yield f"{inner}yardstick_ns"


def _wrong(part: Any, kinds: Mapping[str, Any], at: str) -> Iterator[str]:
    if not isinstance(part, dict):
        yield at[:-1]
    for name, kind in kinds.items():
        if name not in part or not _is(part[name], kind):
            yield at + name


def _is(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind; true and false are no numbers, nor are NaN and infinity."""
    if isinstance(value, bool) or (isinstance(value, float) and not isfinite(value)):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, kind)
