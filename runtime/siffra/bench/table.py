"""A result for people, in plain characters: table, histograms, stages, noise and advice."""

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .figures import duration

_TIMES = ("min", "p50", "p90", "p95", "p99", "p99_9", "max", "mean", "std")
# Where there is no room, first to last.
_SPARED = ("p95", "std", "mean", "p99.9", "min", "p90", "MB", "cores")
_CELL = 7  # characters of a column
_BINS = 12
_BAR = 40
_WIDE = 160  # characters, where there is no terminal
_ASKED = 1.10  # a ratio that people ask about
_MOST_TURNS = 100  # that anybody would wait for


def lines_of(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a result."""
    yield from _about(result)
    if not result["rows"]:
        return
    yield from _table(result)
    yield from _histograms(result)
    yield from _stages(result)
    yield from _noise(result)
    yield from _advice(result)


def room() -> int:
    """Return how many characters a line may have."""
    return shutil.get_terminal_size((_WIDE, 24)).columns


def wrapped(text: str) -> str:
    """Return text with breaks where there is no room for it."""
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.fill(text.strip(), room(), initial_indent=indent, subsequent_indent="    ")


def about_machine(result: Mapping[str, Any]) -> str:
    """Return the machine and what runs on it, in a line."""
    machine, software = result["machine"], result["software"]
    cpu, limits = machine["cpu"], machine["limits"]
    facts = [
        machine["device"],
        cpu["model"] or cpu["architecture"],
        f"{cpu['cores']} cores"
        + (f", {cpu['usable']} usable" if cpu["usable"] != cpu["logical"] else ""),
        " ".join(cpu["flags"]) or None,
        f"governor {cpu['governor']}" if cpu["governor"] else None,
        "virtual" if cpu["virtual"] else None,
        f"limited to {limits['cpus']:g} cores" if limits["cpus"] else None,
        f"limited to {limits['memory_bytes'] >> 20} MiB" if limits["memory_bytes"] else None,
        machine["system"]["distribution"] or machine["system"]["name"],
        *(f"{name} {software[name]}" for name in ("python", "numpy", "onnxruntime")),
        "no OpenCV" if software["opencv"].startswith("none") else f"opencv {software['opencv']}",
    ]
    return ", ".join(fact for fact in facts if fact)


def _about(result: Mapping[str, Any]) -> Iterator[str]:
    yield wrapped(f"siffra {result['software']['siffra']} on {about_machine(result)}")
    plan, looks = result["plan"], result["load"]
    busy = [look["others_share"] for look in looks[1:] if look["others_share"] is not None]
    said = [f"load {looks[0]['load']} before, {looks[-1]['load']} at the end"]
    if busy:
        said.append(
            f"other programs took {np.mean(busy):.0%} of these cores, {max(busy):.0%} at most"
        )
    hot = [look["celsius"] for look in looks if look["celsius"] is not None]
    if hot:
        said.append(f"{min(hot):.0f} to {max(hot):.0f} degrees Celsius")
    throttled = {look["throttled"] for look in looks if look["throttled"] is not None}
    if len(throttled) > 1 or throttled - {"0", "0x0"}:
        said.append(f"throttled ({', '.join(sorted(throttled))})")
    yield wrapped("; ".join(said))
    yield wrapped(
        f"{plan['finished_turns']} turns in {result['seconds']:.0f} s, each in new processes, "
        f"models and cases in shuffled order; warm-up: {plan['warm_up']}"
    )


def _table(result: Mapping[str, Any]) -> Iterator[str]:
    rows = result["rows"]
    labels = {row["key"]: f"  {label_of(row, rows)}" for row in rows}
    widest = max(map(len, labels.values()))
    models = max(len(row["model"] or "-") for row in rows)
    columns = list(_cells_of(rows[0]))
    spared = []
    for name in _SPARED:
        if widest + models + 5 + _CELL * len(columns) > room():
            columns.remove(name)
            spared.append(name)
    yield ""
    yield " " * (widest + models + 5) + "".join(f"{name:>{_CELL}}" for name in columns)
    workload = None
    for row in rows:
        if row["workload"] != workload:
            workload = row["workload"]
            yield f"{workload}:"
        cells = _cells_of(row)
        yield (
            f"{labels[row['key']]:{widest}}  {row['model'] or '-':{models}} {_unit(row):>2}"
            + "".join(f"{cells[name]:>{_CELL}}" for name in columns)
            + _wrong(row)
        )
    own = any(
        row["workload"] in ("picture", "paced") and row["digits_expected"] is None for row in rows
    )
    yield wrapped(
        "level: geometric mean of the turns' medians, by which compare and the advice go; p50 and "
        "the like: of all calls; cores: processor time a second; MB: most resident memory; tells: "
        "the least ratio to another such run that compare can tell from noise and the machine's "
        "own changes"
        + ("; pictures of your own are read from their files, decoding included" if own else "")
        + (f"; {', '.join(spared)}: in --json, or on a wider terminal" if spared else "")
    )


def _unit(row: Mapping[str, Any]) -> str:
    return duration(row["ns"]["p50"]).split()[1]


def _cells_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in the columns of a row, by their heads."""
    size = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}[_unit(row)]
    told, peak = row["detectable_ratio"], row["peak_bytes"]
    times = {name.replace("_", "."): _number(row["ns"][name], size) for name in _TIMES}
    return {
        "level": _number(row["level_ns"], size),
        **times,
        "cores": f"{row['cpu_share']:.2f}",
        "MB": "-" if peak is None else f"{peak / 1e6:.0f}",
        "tells": "-" if told is None else _ratio(told),
    }


def label_of(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a row's case, with what tells it from others of the same case."""
    label = str(row["case"])
    alike = [other for other in rows if other["case"] == row["case"]]
    if len({other["threads"] for other in alike}) > 1:
        label += f", {row['threads']} thread{'s'[: row['threads'] > 1]}"
    if len({other["opencv_threads"] for other in alike}) > 1:
        label += f", cv2 on {row['opencv_threads']}"
    return label


def _wrong(row: Mapping[str, Any]) -> str:
    notes = []
    if row["digits_expected"] is not None and row["digits_right"] < row["digits_expected"]:
        notes.append(f"reads {row['digits_right']} of {row['digits_expected']} digits")
    if row["late"]:
        notes.append(f"{row['late']} of {row['ns']['count']} late")
    return "".join(f"   {note}" for note in notes)


def _number(value: float | None, size: float) -> str:
    if value is None:
        return "-"
    if value >= 9999.5 * size:
        return duration(value).replace(" ", "")
    value /= size
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}x" if value < 9.995 else ">10x"


def _histograms(result: Mapping[str, Any]) -> Iterator[str]:
    for row in main_rows(result):
        samples = samples_of(row)
        if row["workload"] in ("cell", "picture", "paced") and samples.size > _BINS:
            yield ""
            yield f"{row['workload']}, {row['case']}, {row['model']}: {samples.size} calls"
            edges = np.geomspace(samples.min(), samples.max() + 1, _BINS + 1)
            counts, _ = np.histogram(samples, edges)
            for count, edge in zip(counts.tolist(), edges.tolist(), strict=False):
                bar = "#" * (max(1, round(_BAR * count / counts.max())) if count else 0)
                yield f"  {duration(edge):>8}  {bar:{_BAR}} {count}"


def main_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the main model that stand for their workload, with usual threads."""
    main = result["plan"]["main_model"]
    rows = [row for row in result["rows"] if row["model"] == main and row["threads"] == 1]
    usual = max((row["opencv_threads"] or 0 for row in rows), default=0)
    rows = [row for row in rows if row["opencv_threads"] in (None, usual)]
    drawn = [row["case"] for row in rows if row["workload"] == "picture"]
    shown = "640x480, 8 digits" if "640x480, 8 digits" in drawn else next(iter(drawn), None)
    return [row for row in rows if row["workload"] != "picture" or row["case"] == shown]


def samples_of(row: Mapping[str, Any]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return all samples of a row in nanoseconds, float64 [n]."""
    return np.array([value for turn in row["turns"] for value in turn["ns"]], dtype=np.float64)


def _stages(result: Mapping[str, Any]) -> Iterator[str]:
    main = result["plan"]["main_model"]
    rows = [row for row in result["rows"] if row["stages_ns"] and row["model"] == main]
    if not rows:
        return
    yield ""
    yield f"where the time of {main} goes, by the means"
    labels = [f"  {row['workload']}, {label_of(row, result['rows'])}" for row in rows]
    means = [{name: figures["mean"] for name, figures in row["stages_ns"].items()} for row in rows]
    shares = [
        ", ".join(f"{name} {mean / sum(each.values()):.0%}" for name, mean in each.items())
        for each in means
    ]
    beside = max(map(len, labels))
    free = room() - max(map(len, shares)) - len("  || ")
    if beside + _BAR > free:  # the terminal is narrow
        beside = 0
    length = min(_BAR, max(1, free - beside - 2))
    for label, each, said in zip(labels, means, shares, strict=True):
        ends = np.rint(length * np.cumsum([0.0, *each.values()]) / sum(each.values())).astype(int)
        bar = "".join(
            stage[0] * size for stage, size in zip(each, np.diff(ends).tolist(), strict=True)
        )
        if not beside:
            yield label
        yield f"{label if beside else '':{max(2, beside)}}  |{bar}| {said.replace('_', ' ')}"


def _noise(result: Mapping[str, Any]) -> Iterator[str]:
    noise, turns = result["noise"], result["plan"]["finished_turns"]
    told, worst = noise["detectable_ratio"], noise["worst_detectable_ratio"]
    yield ""
    if told is None:
        yield "too few turns to say what this machine can tell; take 3 at least"
        return
    yield f"a difference is told from {_ratio(told)} on (median row), {_ratio(worst)} (worst row)"
    if told > _ASKED:
        needed = int(np.ceil(turns * (np.log(told) / np.log(_ASKED)) ** 2))
        longer = (
            f"or measure longer (--turns {needed})" if needed <= _MOST_TURNS else "and try again"
        )
        yield wrapped(
            f"too noisy for a difference of {_ASKED:.2f}x: close other programs, fix the "
            f"processor's frequency, {longer}"
        )


def _advice(result: Mapping[str, Any]) -> Iterator[str]:
    if result["advice"]:
        yield ""
        yield "best settings here, by the levels"
    for each in result["advice"]:
        yield wrapped(f"  {each['setting']}: {each['value']}   ({each['why']})")
