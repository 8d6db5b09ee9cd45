"""Which settings are best on this machine, by what was measured, with the figures that say so."""

from collections.abc import Mapping
from math import log
from typing import Any, TypeVar

from .figures import Level, duration, level_of_turns, ratio

_AS_ACCURATE = 0.0005  # of accuracy on MNIST: 5 of its 10,000 cells
_WORTH = 1.1  # times as fast: less is not worth a setting
_NEARLY = 0.9  # of the best throughput
_KEPT_UP = 0.5  # of a core, that leaves room for the application
_LATE = 0.05  # of the frames: with more, the pace was not kept

_Choice = TypeVar("_Choice", int, str)


def advice(rows: list[dict[str, Any]], models: dict[str, Any], main: str) -> list[dict[str, Any]]:
    """Return settings as JSON types: `setting`, `value` and `why`.

    Args:
        rows: As the result has them.
        models: Facts about each model.
        main: The model that is read with unless another is asked for.
    """
    model = _model(rows, models, main)
    best = model["value"] if model else main
    found = [
        model,
        _batch(rows, best),
        _threads(rows, best),
        _opencv_threads(rows, best, main),
        _pace(rows, best, main),
    ]
    return [each for each in found if each]


def _setting(setting: str, value: Any, *why: str) -> dict[str, Any]:
    return {"setting": setting, "value": value, "why": "; ".join(filter(None, why))}


def _level(row: Mapping[str, Any]) -> Level:
    return level_of_turns(row["turns"])


def _chosen(levels: Mapping[_Choice, Level], usual: _Choice) -> tuple[_Choice, str]:
    """Return the quickest where it is worth leaving the usual one, and what to say of that.

    All had their turns side by side, so that what the machine did it did to all of them.
    """
    quickest = min(levels, key=lambda each: levels[each].log)
    others = {name: each.log for name, each in levels.items() if name != usual}
    if not others:
        return usual, ""
    rival = min(others, key=lambda each: others[each])
    found = ratio(levels[rival], levels[usual], len(others))
    if found.low <= 1.0 <= found.high:
        return usual, "not told apart: the default"
    if quickest != usual and found.value < _WORTH:
        return usual, f"less than {_WORTH:g}x apart: the default"
    return quickest, ""


def _model(rows: list[dict[str, Any]], models: dict[str, Any], main: str) -> dict[str, Any] | None:
    alike: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["threads"] == 1 and row["model"] is not None:
            alike.setdefault(row["case"], {})[row["model"]] = row
    names = ("640x480, 8 digits", "1 cell", "256 cells", *alike)
    case = next((name for name in names if len(alike.get(name, ())) > 1), None)
    if case is None:
        return None
    levels = {name: _level(row) for name, row in alike[case].items()}
    accuracy = {name: models[name]["accuracy"] for name in levels}
    most = max(levels, key=lambda name: float(accuracy[name]))
    fit = {
        name: each
        for name, each in levels.items()
        if accuracy[name] > accuracy[most] - _AS_ACCURATE - 1e-9
    }
    best, note = _chosen(fit, main if main in fit else most)
    figures = ", ".join(
        f"{name} {duration(row['level_ns'])} ({models[name]['accuracy']:.2%})"
        for name, row in alike[case].items()
    )
    fastest = min(levels, key=lambda name: levels[name].log)
    lost = 100 * (accuracy[best] - accuracy[fastest])
    given_up = "" if fastest in fit else f"{fastest} gives up {lost:.2f} points of accuracy"
    return _setting("model", best, note, f"{case}, with accuracy on MNIST: {figures}", given_up)


def _batch(rows: list[dict[str, Any]], model: str) -> dict[str, Any] | None:
    swept = sorted(
        (row for row in rows if row["model"] == model and row["cells"] and row["threads"] == 1),
        key=lambda row: int(row["cells"]),
    )
    if len(swept) < 3:
        return None
    found = {int(row["cells"]): _level(row) for row in swept}
    each = {size: at._replace(log=at.log - log(size)) for size, at in found.items()}
    cost = {row["cells"]: row["level_ns"] / row["cells"] for row in swept}
    nearly = next(size for size in cost if cost[size] <= min(cost.values()) / _NEARLY)
    least, most = min(cost), max(cost)
    size, note = _chosen({least: each[least], nearly: each[nearly]}, least)
    figures = ", ".join(
        f"{duration(cost[count])} with {count}" for count in sorted({least, nearly, most})
    )
    return _setting("cells a call", size, note, f"{model}, a cell: {figures}")


def _threads(rows: list[dict[str, Any]], model: str) -> dict[str, Any] | None:
    swept = [row for row in rows if row["model"] == model and row["workload"] == "batch"]
    most = max((row["cells"] for row in swept), default=0)
    by_count = {int(row["threads"]): row for row in swept if row["cells"] == most}
    return _best_of(by_count, 1, "threads", "Reader(threads=...)")


def _opencv_threads(rows: list[dict[str, Any]], model: str, main: str) -> dict[str, Any] | None:
    for name in (model, main):  # the sweep is of the main model alone
        read = [row for row in rows if row["model"] == name and row["workload"] == "picture"]
        cases = [row["case"] for row in read]
        swept = [case for case in cases if cases.count(case) > 1]
        if swept:
            by_count = {int(r["opencv_threads"]): r for r in read if r["case"] == swept[-1]}
            usual = max(by_count)  # what OpenCV takes by itself
            return _best_of(by_count, usual, "OpenCV's threads", "cv2.setNumThreads(...)")
    return None


def _best_of(
    by_count: dict[int, dict[str, Any]], usual: int, setting: str, how: str
) -> dict[str, Any] | None:
    if len(by_count) < 2 or usual not in by_count:
        return None
    best, note = _chosen({count: _level(row) for count, row in by_count.items()}, usual)
    figures = ", ".join(
        f"{count}: {duration(row['level_ns'])}, {row['cpu_share']:.1f} cores"
        for count, row in by_count.items()
    )
    row = by_count[best]
    return _setting(setting, best, note, f"{how} {row['case']}, {row['model']}: {figures}")


def _pace(rows: list[dict[str, Any]], model: str, main: str) -> dict[str, Any] | None:
    paced = {row["model"]: row for row in rows if row["workload"] == "paced"}
    row = paced.get(model) or paced.get(main)
    if row is None:
        return None
    took = f"{row['case']}, {row['model']} takes {row['cpu_share']:.1%} of a core"
    name = next(name for name in ("p99", "p95", "max") if row["ns"][name] is not None)
    tail, count = row["ns"][name], row["ns"]["count"]
    if row["late"] > _LATE * count:
        return _setting(
            "frames a second", f"below {row['fps']:g}",
            f"{row['late']} of {count} frames were late", f"{took}, {name} {duration(tail)}",
        )  # fmt: skip
    fits = int(row["fps"] * _KEPT_UP / max(row["cpu_share"], 1e-6))
    return _setting(
        "frames a second", min(fits, int(1e9 / tail)),
        f"within half a core and {name}", f"{took}, {name} {duration(tail)}",
    )  # fmt: skip
