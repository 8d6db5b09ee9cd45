"""What a result depends on beside the code: the machine, its limits, what is installed.

Linux tells most of it in files; other systems are asked for what they know. What is unknown is
None, and never an error.
"""

import hashlib
import os
import platform
import re
import subprocess
import sys
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..info import info
from ..network import released

_FLAGS = {
    **{name: name for name in ("sse4_1", "avx", "avx2", "fma", "f16c", "avx512f", "avx_vnni")},
    **{"avx512vl": "avx512vl", "avx512_vnni": "avx512_vnni", "amx_int8": "amx_int8"},
    **{"asimd": "neon", "neon": "neon", "asimddp": "neon_dotprod", "i8mm": "neon_i8mm"},
    **{"asimdhp": "neon_fp16", "bf16": "neon_bf16", "sve": "sve"},
}
_MACOS_FLAGS = {  # names of sysctl that tell 1
    **{"hw.optional.sse4_1": "sse4_1", "hw.optional.avx1_0": "avx", "hw.optional.avx2_0": "avx2"},
    **{"hw.optional.fma": "fma", "hw.optional.f16c": "f16c", "hw.optional.avx512f": "avx512f"},
    **{"hw.optional.avx512vl": "avx512vl", "hw.optional.avx512vnni": "avx512_vnni"},
    **{"hw.optional.neon": "neon", "hw.optional.AdvSIMD": "neon"},
    **{"hw.optional.arm.FEAT_DotProd": "asimddp", "hw.optional.arm.FEAT_I8MM": "i8mm"},
    **{"hw.optional.arm.FEAT_BF16": "bf16", "hw.optional.arm.FEAT_FP16": "asimdhp"},
}
_WINDOWS_FLAGS = {40: "avx2", 41: "avx512f", 19: "neon", 43: "asimddp"}


def machine(root: Path = Path("/")) -> dict[str, Any]:
    """Return facts about the machine as JSON types.

    Args:
        root: Where `proc` and `sys` are.
    """
    table = _cpu_table(root)
    flags = table.get("flags") or table.get("features") or _flags_elsewhere()
    logical = os.cpu_count()
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "cpu": {
            "model": table.get("model name") or _model_elsewhere() or table.get("hardware"),
            "architecture": platform.machine(),
            "cores": _cores(root) or logical,
            "logical": logical,
            "usable": len(affinity(0)) if affinity else logical,
            "flags": sorted({_FLAGS[flag] for flag in flags.split() if flag in _FLAGS}),
            "governor": told(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            "max_mhz": told_number(
                root / "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", 1e-3
            ),
            "virtual": "hypervisor" in flags.split() if flags else None,
        },
        "device": (told(root / "proc/device-tree/model") or "").strip("\0 ") or None,
        "memory_bytes": _memory(root),
        "limits": _limits(root),
        "system": {
            "name": platform.system(),
            "release": platform.release(),
            "distribution": _distribution(root),
        },
    }


def software() -> dict[str, Any]:
    """Return versions, as `siffra info` shows them, and what else results depend on."""
    return {
        **info()["versions"],
        "python_build": f"{platform.python_implementation()} {platform.python_compiler()}",
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }


def model_facts(name: str, path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what tells a model from others."""
    data = path.read_bytes()
    return {
        "name": metadata["name"],
        "released": name in released(),
        "precision": metadata["precision"],
        "version": metadata["version"],
        "accuracy": float(metadata["accuracy"]),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def usable_cores(facts: dict[str, Any]) -> int:
    """Return how many cores the process may use, by its affinity and its container's quota."""
    quota = facts["limits"]["cpus"] or float("inf")
    return max(1, min(facts["cpu"]["usable"] or 1, int(quota) if quota < 1e6 else 1 << 20))


def told(path: Path) -> str | None:
    """Return what a file of the system says; None where it does not."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def told_number(path: Path, factor: float) -> float | None:
    """Return the number in a file of the system, times a factor; None where there is none."""
    with suppress(ValueError):
        return round(float(told(path) or "") * factor, 3)
    return None


def _cpu_table(root: Path) -> dict[str, str]:
    """Return the first of each key of /proc/cpuinfo, in lower case, but for names."""
    table: dict[str, str] = {}
    for line in (told(root / "proc/cpuinfo") or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            table.setdefault(key.strip().lower(), value.strip())
    return table


def _cores(root: Path) -> int | None:
    """Return how many cores there are, hyper-threads counted once."""
    siblings = {
        told(path)
        for path in (root / "sys/devices/system/cpu").glob("cpu[0-9]*/topology/core_cpus_list")
    }
    return len(siblings) or _number(_sysctl("hw.physicalcpu"))


def _memory(root: Path) -> int | None:
    found = re.search(r"MemTotal:\s+(\d+) kB", told(root / "proc/meminfo") or "")
    return 1024 * int(found[1]) if found else _number(_sysctl("hw.memsize"))


def _limits(root: Path) -> dict[str, Any]:
    """Return what the control group allows: the least of it and of those around it."""
    cpus, memory = [], []
    for folder in _groups(root):
        quota = (told(folder / "cpu.max") or "").split()
        if not quota:  # version 1
            quota = [told(folder / f"cpu.cfs_{key}_us") or "" for key in ("quota", "period")]
        with suppress(ValueError, IndexError):
            if float(quota[0]) > 0:
                cpus.append(round(float(quota[0]) / float(quota[1]), 3))
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _number(told(folder / name))
            if limit is not None and limit < 1 << 60:  # version 1 has a huge number for none
                memory.append(limit)
    container = (root / ".dockerenv").exists() or (root / "run/.containerenv").exists()
    return {
        "cpus": min(cpus, default=None),
        "memory_bytes": min(memory, default=None),
        "container": container or None if sys.platform != "linux" else container,
    }


def _groups(root: Path) -> list[Path]:
    folders = []
    for line in (told(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for name in controllers.split(",") if controllers else [""]:
            top = root / "sys/fs/cgroup" / name
            below = top / path.lstrip("/")
            while below != top and top in below.parents:
                folders.append(below)
                below = below.parent
            folders.append(top)
    return folders


def _distribution(root: Path) -> str | None:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', told(root / "etc/os-release") or "", re.M)
    return found[1] if found else (platform.mac_ver()[0] or None)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _sysctl(name: str) -> str | None:
    """Ask macOS."""
    if sys.platform != "darwin":
        return None
    with suppress(OSError, subprocess.SubprocessError):
        command = ["/usr/sbin/sysctl", "-n", name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        return done.stdout.strip()
    return None


def _model_elsewhere() -> str | None:
    if sys.platform == "win32":
        import winreg

        place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
        return os.environ.get("PROCESSOR_IDENTIFIER")
    return _sysctl("machdep.cpu.brand_string")


def _flags_elsewhere() -> str:
    """Return flags separated by spaces, of systems without /proc/cpuinfo."""
    if sys.platform == "win32":
        import ctypes

        present = ctypes.windll.kernel32.IsProcessorFeaturePresent
        return " ".join(name for number, name in _WINDOWS_FLAGS.items() if present(number))
    return " ".join(flag for name, flag in _MACOS_FLAGS.items() if _sysctl(name) == "1")
