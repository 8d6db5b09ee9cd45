"""Which settings are best on this machine, by what was measured, with the figures that say so."""

from typing import Any

from .figures import duration

_AS_ACCURATE = 0.001  # of accuracy on MNIST: less than its 10,000 cells tell
_WORTH = 1.1  # times as fast: less is not worth a setting
_NEARLY = 0.9  # of the best throughput
_KEPT_UP = 0.5  # of a core, that leaves room for the application


def advice(rows: list[dict[str, Any]], models: dict[str, Any], main: str) -> list[dict[str, Any]]:
    """Return settings as JSON types: `setting`, `value` and `why`.

    Args:
        rows: As the result has them.
        models: Facts about each model.
        main: The model that is read with unless another is asked for.
    """
    found = [
        _model(rows, models, main),
        _batch(rows, main),
        _threads(rows, main),
        _opencv_threads(rows, main),
        _pace(rows, main),
    ]
    return [each for each in found if each]


def _setting(setting: str, value: Any, why: str) -> dict[str, Any]:
    return {"setting": setting, "value": value, "why": why}


def _model(rows: list[dict[str, Any]], models: dict[str, Any], main: str) -> dict[str, Any] | None:
    case = next(
        (
            {row["model"]: row for row in rows if (row["case"], row["threads"]) == (name, 1)}
            for name in ("640x480, 8 digits", "1 cell", "256 cells")
            if sum((row["case"], row["threads"]) == (name, 1) for row in rows) > 1
        ),
        {},
    )
    usual = case.get(main)
    if usual is None or len(case) < 2:
        return None
    most = max(models[name]["accuracy"] for name in case)
    fit = [name for name in case if models[name]["accuracy"] >= most - _AS_ACCURATE]
    best = min(fit, key=lambda name: float(case[name]["ns"]["p50"]))
    if not _faster(case[best], usual) and main in fit:
        best = main
    fastest = min(case, key=lambda name: float(case[name]["ns"]["p50"]))

    def said(name: str) -> str:
        return f"{name} {duration(case[name]['ns']['p50'])} ({models[name]['accuracy']:.2%})"

    names = dict.fromkeys([best, main, fastest])
    figures = ", ".join(map(said, names))
    return _setting("model", best, f"{usual['case']}, median and accuracy on MNIST: {figures}")


def _batch(rows: list[dict[str, Any]], main: str) -> dict[str, Any] | None:
    swept = sorted(
        (row for row in rows if row["model"] == main and row["cells"] and row["threads"] == 1),
        key=lambda row: int(row["cells"]),
    )
    if len(swept) < 3:
        return None
    each = {row["cells"]: row["ns"]["p50"] / row["cells"] for row in swept}
    best = min(each.values())
    size = next(size for size, cost in each.items() if cost <= best / _NEARLY)
    return _setting(
        "cells a call", size,
        f"{main}: {duration(each[size])} a cell, {duration(each[min(each)])} with {min(each)}, "
        f"{duration(each[max(each)])} with {max(each)}",
    )  # fmt: skip


def _threads(rows: list[dict[str, Any]], main: str) -> dict[str, Any] | None:
    swept = [row for row in rows if row["model"] == main and row["workload"] == "batch"]
    most = max((row["cells"] for row in swept), default=0)
    swept = [row for row in swept if row["cells"] == most]
    return _best_of(swept, "threads", "threads", "Reader(threads=...) ")


def _opencv_threads(rows: list[dict[str, Any]], main: str) -> dict[str, Any] | None:
    read = [row for row in rows if row["model"] == main and row["workload"] == "picture"]
    names = [row["case"] for row in read]
    swept = [row for row in read if names.count(row["case"]) > 1]
    swept = [row for row in swept if row["case"] == swept[-1]["case"]]
    return _best_of(swept, "opencv_threads", "OpenCV's threads", "cv2.setNumThreads(...) ")


def _best_of(
    swept: list[dict[str, Any]], key: str, setting: str, how: str
) -> dict[str, Any] | None:
    if len(swept) < 2:
        return None
    by_count = {row[key]: row for row in sorted(swept, key=lambda row: int(row[key]))}
    least = by_count[min(by_count)]
    quickest = min(by_count.values(), key=lambda row: float(row["ns"]["p50"]))
    best = quickest if _faster(quickest, least) else least
    figures = ", ".join(
        f"{count}: {duration(row['ns']['p50'])}, {row['cpu_share']:.1f} cores"
        for count, row in by_count.items()
    )
    return _setting(setting, best[key], f"{how}{best['case']}, {best['model']}: {figures}")


def _pace(rows: list[dict[str, Any]], main: str) -> dict[str, Any] | None:
    row = next((r for r in rows if r["workload"] == "paced" and r["model"] == main), None)
    if row is None:
        return None
    fits = int(row["fps"] * _KEPT_UP / max(row["cpu_share"], 1e-6))
    tail = row["ns"]["p99"] or row["ns"]["max"]
    return _setting(
        "frames a second", min(fits, int(1e9 / tail)),
        f"within half a core and p99: {row['case']}, {main} takes {row['cpu_share']:.1%} of a "
        f"core, p99 {duration(tail)}",
    )  # fmt: skip


def _faster(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether one is worth taking, and the difference more than noise."""
    noise = max(one["detectable_ratio"] or 9e9, other["detectable_ratio"] or 9e9)
    return bool(other["ns"]["p50"] / one["ns"]["p50"] >= max(_WORTH, noise))
