"""What a machine tells of itself is read from where Linux has it; what it does not tell is none."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from siffra.bench.load import Load
from siffra.bench.machine import machine, usable_cores

PI = {
    "proc/cpuinfo": "processor\t: 0\nBogoMIPS\t: 108.00\n"
    "Features\t: fp asimd evtstrm crc32 atomics fphp asimdhp asimdrdm asimddp\n"
    "CPU implementer\t: 0x41\n\nHardware\t: BCM2712\n",
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/meminfo": "MemTotal:        8052044 kB\nMemFree:  1 kB\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpu0/topology/core_cpus_list": "0\n",
    "sys/devices/system/cpu/cpu1/topology/core_cpus_list": "1\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "2400000\n",
    "sys/class/thermal/thermal_zone0/temp": "61300\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_a_raspberry_pi_is_told(tmp_path: Path) -> None:
    root = tree(tmp_path, PI)
    facts = machine(root)
    assert facts["device"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert facts["memory_bytes"] == 8052044 * 1024
    cpu = facts["cpu"]
    assert cpu["model"] == "BCM2712"
    assert {"neon", "neon_dotprod", "neon_fp16"} <= set(cpu["flags"])
    assert (cpu["cores"], cpu["governor"], cpu["max_mhz"]) == (2, "ondemand", 2400.0)
    assert facts["system"]["distribution"] == "Debian GNU/Linux 12 (bookworm)"
    look = Load(root).now()
    assert (look["mhz"], look["celsius"], look["throttled"]) == (1950.0, 61.3, "0x50005")


def test_hyper_threads_are_one_core_and_vnni_is_told(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": "model name : Xeon\nflags : sse4_1 avx2 avx512_vnni hypervisor erms\n",
        **{
            f"sys/devices/system/cpu/cpu{n}/topology/core_cpus_list": f"{n % 2},{n % 2 + 2}\n"
            for n in range(4)
        },
        **{
            f"sys/devices/system/cpu/cpu{n}/thermal_throttle/core_throttle_count": "3\n"
            for n in range(4)
        },
    }
    cpu = machine(tree(tmp_path, files))["cpu"]
    assert cpu["model"] == "Xeon"
    assert cpu["flags"] == ["avx2", "avx512_vnni", "sse4_1"]
    assert cpu["cores"] == 2
    assert cpu["virtual"] is True
    assert Load(tmp_path).now()["throttled"] == "12"


@pytest.mark.parametrize(
    "files",
    [
        {  # version 2, where the limit is set around the group
            "proc/self/cgroup": "0::/docker/abc\n",
            "sys/fs/cgroup/docker/abc/cpu.max": "max 100000\n",
            "sys/fs/cgroup/docker/abc/memory.max": "536870912\n",
            "sys/fs/cgroup/docker/cpu.max": "150000 100000\n",
        },
        {  # version 2, seen from within
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/memory.max": "536870912\n",
        },
        {  # version 1
            "proc/self/cgroup": "4:memory:/abc\n3:cpu,cpuacct:/abc\n",
            "sys/fs/cgroup/cpu/abc/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu/abc/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/abc/memory.limit_in_bytes": "536870912\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    ],
)
def test_limits_of_containers_are_told(tmp_path: Path, files: dict[str, str]) -> None:
    facts = machine(tree(tmp_path, files))
    assert facts["limits"]["cpus"] == 1.5
    assert facts["limits"]["memory_bytes"] == 536870912
    assert usable_cores(facts) == 1


def test_what_is_not_told_is_none_and_no_error(tmp_path: Path) -> None:
    facts = machine(tmp_path)
    assert facts["device"] is None
    assert facts["limits"]["cpus"] is None
    assert facts["cpu"]["governor"] is None
    look = Load(tmp_path).now()
    unknown: dict[str, Any] = {key: look[key] for key in ("mhz", "celsius", "throttled")}
    assert set(unknown.values()) == {None}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")
def test_what_others_take_is_a_share_of_the_cores_that_are_usable(tmp_path: Path) -> None:
    """Here of one of two: on the other, which we may not use, the other programs do not matter."""
    script = (
        "import sys; from pathlib import Path; from siffra.bench.load import Load; "
        "root = Path(sys.argv[1]); stat = root / 'proc/stat'; load = Load(root); "
        "stat.write_text(sys.argv[2]); print(load.now()['others_share'])"
    )
    one = min(os.sched_getaffinity(0))
    tree(tmp_path, {"proc/stat": f"cpu 0 0 0 0 0 0 0 0\ncpu{one} 0 0 0 0 0 0 0 0\n"})
    later = (
        "cpu 100000 0 0 100000 0 0 0 0 0 0\n"
        f"cpu{one} 25000 0 0 75000 0 0 0 0 0 0\ncpu{one + 1} 75000 0 0 25000 0 0 0 0 0 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{one}}}); {script}",
         str(tmp_path), later],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert float(done.stdout) == pytest.approx(0.25, abs=0.01)


def test_garbage_is_no_error(tmp_path: Path) -> None:
    facts = machine(tree(tmp_path, dict.fromkeys(PI, "\0garbage: \n\n:")))
    assert facts["cpu"]["max_mhz"] is None
    look = Load(tmp_path).now()
    assert look["celsius"] is None
