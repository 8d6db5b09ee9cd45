"""How busy, fast and hot the machine is at a moment, where it tells."""

import os
from pathlib import Path
from time import perf_counter
from typing import Any

from .machine import told, told_number

_CPU = "sys/devices/system/cpu"


class Load:
    """Looks at the machine from time to time.

    Args:
        root: Where `proc` and `sys` are.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._began = perf_counter()
        self._before = self._used()

    def now(self) -> dict[str, Any]:
        """Return facts as JSON types; shares are of all usable cores, since the last look.

        What processes of siffra's that ended since then took does not count as others'.
        """
        before, self._before = self._before, self._used()
        (busy, stolen, total, own), (was_busy, was_stolen, was_total, was_own) = (
            self._before,
            before,
        )
        passed = total - was_total
        others = max(0.0, busy - was_busy - (own - was_own)) / passed if passed > 0 else None
        try:
            load = round(os.getloadavg()[0], 2)
        except (OSError, AttributeError):  # Windows has none
            load = None
        return {
            "at_s": round(perf_counter() - self._began, 3),
            "load": load,
            "others_share": None if others is None else round(others, 4),
            "stolen_share": round((stolen - was_stolen) / passed, 4) if passed > 0 else None,
            "mhz": self._mhz(),
            "celsius": self._celsius(),
            "throttled": self._throttled(),
        }

    def _used(self) -> tuple[float, float, float, float]:
        """Return seconds of usable cores: busy, stolen by virtual machines, all; then our own."""
        times = os.times()
        affinity = getattr(os, "sched_getaffinity", None)
        usable = {f"cpu{number}" for number in affinity(0)} if affinity else set[str]()
        own = times.user + times.system + times.children_user + times.children_system
        lines = [line.split() for line in (told(self._root / "proc/stat") or "").splitlines()]
        try:
            ticks = os.sysconf("SC_CLK_TCK")
            cores = [map(int, words[1:9]) for words in lines if words and words[0] in usable]
            counts = [sum(of_cores) / ticks for of_cores in zip(*cores, strict=True)]
            user, nice, system, idle, waiting, interrupts, soft, stolen = counts
        except (ValueError, AttributeError):
            return 0.0, 0.0, 0.0, own
        busy = user + nice + system + interrupts + soft
        return busy, stolen, busy + idle + waiting + stolen, own

    def _mhz(self) -> float | None:
        paths = sorted((self._root / _CPU).glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
        known = [value for path in paths if (value := told_number(path, 1e-3)) is not None]
        if not known:
            lines = (told(self._root / "proc/cpuinfo") or "").splitlines()
            known = [float(line.split(":")[1]) for line in lines if line.startswith("cpu MHz")]
        return round(sum(known) / len(known), 1) if known else None

    def _celsius(self) -> float | None:
        """Return the temperature of the hottest zone."""
        paths = (self._root / "sys/class/thermal").glob("thermal_zone*/temp")
        return max(
            (value for p in paths if (value := told_number(p, 1e-3)) is not None), default=None
        )

    def _throttled(self) -> str | None:
        """Return what the Raspberry Pi says of it, or how often x86 cores were throttled so far."""
        said = told(self._root / "sys/devices/platform/soc/soc:firmware/get_throttled")
        if said is not None:
            return said if said.startswith("0x") else f"0x{said}"
        counts = [
            int(text)
            for path in (self._root / _CPU).glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
            if (text := told(path) or "").isdecimal()
        ]
        return str(sum(counts)) if counts else None
