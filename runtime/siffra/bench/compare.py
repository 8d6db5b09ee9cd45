"""Two results side by side: how many times as long the second takes, row by row.

The ratio is that of the geometric means of the turns' medians; `figures` says how its interval
comes about. It holds for all rows at once. Yet turns of one run tell nothing of what changes
slowly: a neighbour on the same host, heat, another program that wants the cores. So each turn also
times a yardstick, work that siffra has no part in, and asks the kernel how long it had to wait for
a core. By what these changed between the runs, a row's interval has to be beyond, before the row is
said to be slower or faster.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from math import exp, isfinite
from typing import Any

import numpy as np

from ..arguments import UsageError
from .allowance import allowed, machine_ratio, yardsticks
from .figures import CONFIDENCE, Ratio, duration, level_of_turns, ratio
from .result import VERSION
from .table import room, wrapped

_SAME_MACHINE = (
    "machine.cpu.model", "machine.cpu.architecture", "machine.cpu.cores", "machine.cpu.usable",
    "machine.cpu.governor", "machine.cpu.max_mhz", "machine.device", "machine.limits.cpus",
    "machine.system.name",
)  # fmt: skip
_WRITTEN = 4  # decimals


def comparison_of(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    fail_above: float | None,
    force: bool,
    names: tuple[str, str],
) -> dict[str, Any]:
    """Compare two results; return a document that `schema.json` describes.

    Args:
        before: What the ratios are to.
        after: What is compared.
        fail_above: The comparison fails where a row is slower by more than that, beyond doubt.
        force: Compare results of different machines and rows of different pictures too.
        names: How the two are called.

    Raises:
        UsageError: They are not comparable.
    """
    changes = _changes(before, after)
    apart = [change for change in changes if change["what"] in _SAME_MACHINE]
    if apart and not force:
        said = "; ".join(f"{c['what']}: {c['before']} and {c['after']}" for c in apart)
        raise UsageError(f"{names[0]} and {names[1]} are not comparable ({said}); see --force")
    if before["rows"] == after["rows"] and not force:
        raise UsageError(f"{names[0]} and {names[1]} are the same measurement twice; see --force")
    old = {row["key"]: row for row in before["rows"]}
    common = [row for row in after["rows"] if row["key"] in old]
    if not common:
        raise UsageError(f"{names[0]} and {names[1]} have no row in common; measure the same")
    left_out = sorted(old.keys() ^ {row["key"] for row in after["rows"]})
    if not force:
        other = [r["key"] for r in common if r["input_sha256"] != old[r["key"]]["input_sha256"]]
        left_out += other
        common = [row for row in common if row["key"] not in other]
        if not common:
            raise UsageError(f"{names[0]} and {names[1]} read different pictures; see --force")
    machine = {}
    if before["software"]["zlib"] == after["software"]["zlib"]:  # else another yardstick
        machine = machine_ratio(yardsticks(before["rows"]), yardsticks(after["rows"]))
    rows = [_row(old[row["key"]], row, len(common), machine, fail_above) for row in common]
    return {
        "kind": "siffra-bench-comparison",
        "version": VERSION,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "before": names[0],
        "after": names[1],
        "confidence": CONFIDENCE,
        "fail_above": fail_above,
        "failed": any(row["fails"] for row in rows),
        "forced": bool(apart) and force,
        "changes": changes,
        "left_out": left_out,
        "machine_ratio": {str(cores): _written(found) for cores, found in machine.items()},
        "rows": rows,
    }


def _row(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    rows: int,
    machine: Mapping[int, Ratio],
    fail_above: float | None,
) -> dict[str, Any]:
    levels = level_of_turns(old["turns"]), level_of_turns(new["turns"])
    found = ratio(*levels, comparisons=rows)
    low, high = allowed(old, new, machine)
    verdict, fails = "unknown", False
    if isfinite(found.high) and isfinite(high):
        # The end that speaks against the verdict, less what the machine may have to do with it.
        slower, faster = found.low / high, found.high / low
        verdict = "slower" if slower > 1.0 else "faster" if faster < 1.0 else "same"
        fails = fail_above is not None and slower > fail_above
    return {
        "key": new["key"],
        "before_level_ns": round(exp(levels[0].log), 1),
        "after_level_ns": round(exp(levels[1].log), 1),
        **_written(found),
        "machine_low": round(low, _WRITTEN) if isfinite(high) else None,
        "machine_high": round(high, _WRITTEN) if isfinite(high) else None,
        "cpu_ratio": round(new["cpu_ns_per_call"] / max(1.0, old["cpu_ns_per_call"]), _WRITTEN),
        "verdict": verdict,
        "fails": fails,
        "in_doubt": fail_above is not None and found.value > fail_above and not fails,
        "digits_right": [old["digits_right"], new["digits_right"]],
    }


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what differs between the two but for the figures."""
    old, new = (
        {
            path: value
            for part in ("machine", "software", "models", "plan", "complete")
            for path, value in _flat(part, result[part])
        }
        for result in (before, after)
    )
    for facts, result in ((old, before), (new, after)):
        busy = [look["others_share"] for look in result["load"] if look["others_share"] is not None]
        facts["load.others_share"] = round(float(np.mean(busy)), 2) if busy else None
    return [
        {"what": path, "before": old.get(path), "after": new.get(path)}
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}", inner)
    else:
        yield path, value


def _written(found: Ratio) -> dict[str, float | None]:
    return {
        name: round(value, _WRITTEN) if isfinite(value) else None
        for name, value in zip(("ratio", "low", "high"), found, strict=True)
    }


def lines_of_comparison(comparison: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a comparison for people."""
    rows = comparison["rows"]
    yield f"A: {comparison['before']}"
    yield f"B: {comparison['after']}"
    for change in comparison["changes"]:
        yield wrapped(
            f"   {change['what']}: {_short(change['before'])} -> {_short(change['after'])}"
        )
    if comparison["forced"]:
        yield "   forced: of different machines, the ratios do not speak of siffra"
    for cores, found in comparison["machine_ratio"].items():
        yield f"   the machine itself, on {cores} of its cores: {_interval(found)}"
    if not comparison["machine_ratio"]:
        yield "   the machine itself: not known, since zlib, which is its yardstick, changed"
    yield ""
    # One thread is usual and need not be said.
    labels = [re.sub(r"/threads=1(,|$)", lambda end: "/" * len(end[1]), r["key"]) for r in rows]
    widest = max(map(len, labels))
    remarks = [_remark(row, comparison["fail_above"]) for row in rows]
    heads = f"{'A':>9}{'B':>9}   {'B by A':22}{'cpu':>6}"
    beside = widest + len(heads) + max(map(len, remarks)) <= room()
    yield f"{'':{widest if beside else 0}}{heads}"
    for label, row, remark in zip(labels, rows, remarks, strict=True):
        figures = (
            f"{duration(row['before_level_ns']):>9}{duration(row['after_level_ns']):>9}   "
            f"{_interval(row):22}{row['cpu_ratio']:>6.2f}{remark}"
        )
        if beside:
            yield f"{label:{widest}}{figures}"
        else:  # the terminal is narrow
            yield label
            yield wrapped(figures)
    yield wrapped(
        "A, B: geometric means of the turns' medians, B by A their ratio; cpu: of processor time, "
        "without an interval"
    )
    yield ""
    counts = {
        verdict: sum(row["verdict"] == verdict for row in rows)
        for verdict in ("slower", "faster", "same", "unknown")
    }
    yield wrapped(
        f"{counts['slower']} slower, {counts['faster']} faster, {counts['same']} without a "
        f"difference that can be told; intervals hold for all {len(rows)} rows at once with "
        f"{comparison['confidence']:.0%}"
    )
    if counts["unknown"]:
        yield f"{counts['unknown']} with too few turns to say; take 3 at least"
    if comparison["left_out"]:
        yield f"{len(comparison['left_out'])} rows left out: in one of the two, or other pictures"
    limit = comparison["fail_above"]
    if limit is not None:
        failed = sum(row["fails"] for row in rows)
        doubtful = sum(row["in_doubt"] for row in rows)
        yield wrapped(
            f"{failed} rows above {limit:g} beyond doubt"
            + (
                f"; {doubtful} above, but within what noise can do: measure with more --turns"
                if doubtful
                else ""
            )
        )


def _interval(found: Mapping[str, Any]) -> str:
    low, high = (_times(found[end]) for end in ("low", "high"))
    return f"{_times(found['ratio'])}  ({low} to {high})"


def _times(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}" if value < 99.995 else ">100"


def _remark(row: Mapping[str, Any], fail_above: float | None) -> str:
    remarks = [] if row["verdict"] == "same" else [row["verdict"]]
    if row["fails"]:
        remarks.append("FAILS")
    elif row["in_doubt"]:
        remarks.append("in doubt")
    # What the machine may have done is said where the verdict hangs on it.
    if row["verdict"] != "unknown":
        low, high = row["low"], row["machine_high"]
        if any(low > limit >= low / high for limit in (1.0, fail_above or 1.0)):
            remarks.append(f"the machine alone: up to {_times(high)}")
        if row["high"] < 1.0 <= row["high"] / row["machine_low"]:
            remarks.append(f"the machine alone: down to {_times(row['machine_low'])}")
    before, after = row["digits_right"]
    if before is not None and after is not None and before != after:
        remarks.append(f"reads {after} digits, not {before}")
    return "  " + ", ".join(remarks) if remarks else ""


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
