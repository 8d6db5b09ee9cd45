"""Two results compared: what is slower is found, what is not is not, and doubt is said."""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from siffra import bench
from siffra.network import MODELS
from tests.conftest import ROOT

Change = Callable[[dict[str, Any]], None]


def compare(
    before: Path, after: Path, *options: object, status: int = 0, columns: int = 160
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "siffra", "bench", "compare",
         *map(str, (before, after, *options))],
        env={**os.environ, "COLUMNS": str(columns)}, cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def measure(path: Path, package: Path | None = None) -> Path:
    """A short real run, of a package in a folder of its own if one is given."""
    where = {} if package is None else {"PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "bench", "--quick", "--turns", "5", "--model", "ann",
         "--workload", "cell", "batch", "picture", "--json", str(path)],
        env={**os.environ, **where}, cwd=ROOT if package is None else package.parent,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measure(tmp_path_factory.mktemp("real") / "result.json")


def made(
    real: Path, path: Path, *, seed: int, slower: float = 1.0, noise: float = 0.01,
    drift: float = 1.0, turns: int = 8, milliseconds: float = 0.1, waits: float = 0.0,
    apart: float = 0.0,
) -> Path:  # fmt: skip
    """A result with samples of known spread: turns differ by `noise`, calls in a turn by 5 %.

    Args:
        real: A result to take the rest from.
        path: Where to write it.
        seed: Of the samples.
        slower: What each call takes, times that.
        noise: Of the turns.
        drift: What the machine takes for everything, times that.
        turns: How many.
        milliseconds: What each call takes before all that.
        waits: Share of the time in which other programs had the core.
        apart: Share by which processes that lie badly in memory are slower, which is half of them.
    """
    random = np.random.default_rng(seed)
    document = json.loads(real.read_text())
    for row in document["rows"]:
        turn = row["turns"][0]
        row["turns"] = []
        for _ in range(turns):
            level = 1e6 * milliseconds * slower * drift * np.exp(noise * random.standard_normal())
            level *= (1 + apart * random.integers(2)) / (1 - waits)
            samples = level * np.exp(0.05 * random.standard_normal(60))
            yard = 1e6 * drift * np.exp(0.002 * random.standard_normal())
            wall = samples.sum()
            row["turns"].append(
                {
                    **turn, "ns": samples.tolist(), "yardstick_ns": yard,
                    "wall_ns": wall, "waited_ns": waits * wall,
                }
            )  # fmt: skip
    path.write_text(json.dumps(document))
    return path


def verdicts(before: Path, after: Path, *options: object, status: int = 0) -> dict[str, Any]:
    written = after.with_suffix(".comparison.json")
    compare(before, after, *options, "--json", written, status=status)
    document: dict[str, Any] = json.loads(written.read_text())
    return document


def test_two_real_runs_of_the_same_are_the_same(real: Path, tmp_path: Path) -> None:
    again = measure(tmp_path / "again.json")
    found = verdicts(real, again, "--fail-above", 1.1)
    assert {row["verdict"] for row in found["rows"]} == {"same"}
    assert not found["failed"]


def test_a_package_that_is_slower_is_found(real: Path, tmp_path: Path) -> None:
    """The same package, but that each inference waits for two milliseconds."""
    package = tmp_path / "siffra"
    shutil.copytree(MODELS.parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    with (package / "network.py").open("a") as file:
        file.write(
            "\n\n_fast = Network.probabilities\n\n\n"
            "def _slow(self, cells):\n"
            "    import time\n\n"
            "    time.sleep(0.002)\n"
            "    return _fast(self, cells)\n\n\n"
            "Network.probabilities = _slow\n"
        )
    slow = measure(tmp_path / "slow.json", package)
    done = compare(real, slow, "--fail-above", 1.5, status=1)
    assert "FAILS" in done.stdout
    assert next(line for line in done.stdout.splitlines() if "1 cell" in line).count("slower") == 1
    back = compare(slow, real, "--fail-above", 1.5)
    assert "faster" in back.stdout


@pytest.mark.parametrize("apart", [0.0, 0.05], ids=["one level", "two levels"])
def test_equal_samples_differ_as_rarely_as_promised(
    real: Path, tmp_path: Path, apart: float
) -> None:
    """Of 20 comparisons, 95 % of which should say that nothing differs, at most 4 say otherwise."""
    told = 0
    for seed in range(20):
        before = made(real, tmp_path / "a.json", seed=2 * seed, apart=apart, turns=20)
        after = made(real, tmp_path / "b.json", seed=2 * seed + 1, apart=apart, turns=20)
        found = _compared(before, after)
        told += any(row["verdict"] != "same" for row in found["rows"])
    assert told <= 4


def _compared(before: Path, after: Path) -> dict[str, Any]:
    from siffra.bench.compare import comparison_of
    from siffra.bench.result import load

    return comparison_of(load(before), load(after), fail_above=1.1, force=False, names=("A", "B"))


def test_a_difference_beyond_the_limit_fails(real: Path, tmp_path: Path) -> None:
    before = made(real, tmp_path / "a.json", seed=1)
    after = made(real, tmp_path / "b.json", seed=2, slower=1.25)
    found = verdicts(before, after, "--fail-above", 1.1, status=1)
    assert {row["verdict"] for row in found["rows"]} == {"slower"}
    assert all(row["low"] < 1.25 < row["high"] for row in found["rows"])
    assert all(row["ratio"] == pytest.approx(1.25, rel=0.03) for row in found["rows"])
    compare(before, after)  # told, but nobody asked to fail
    compare(before, after, "--fail-above", 1.3)
    assert verdicts(after, before, "--fail-above", 1.1)["rows"][0]["verdict"] == "faster"


def test_noise_is_no_difference(real: Path, tmp_path: Path) -> None:
    before = made(real, tmp_path / "a.json", seed=1, noise=0.4)
    after = made(real, tmp_path / "b.json", seed=2, noise=0.4)
    found = verdicts(before, after, "--fail-above", 1.1)
    assert {row["verdict"] for row in found["rows"]} == {"same"}
    assert any(row["ratio"] > 1.1 for row in found["rows"])  # noise alone


def test_the_limit_is_held_against_the_low_end(real: Path, tmp_path: Path) -> None:
    before = made(real, tmp_path / "a.json", seed=1, noise=0.05)
    after = made(real, tmp_path / "b.json", seed=2, slower=1.5, noise=0.05)
    low = max(row["low"] for row in verdicts(before, after)["rows"])
    compare(before, after, "--fail-above", 0.97 * low, status=1)
    done = compare(before, after, "--fail-above", 1.01 * low)
    assert "in doubt" in done.stdout
    assert "0 rows above" in done.stdout
    found = verdicts(before, after, "--fail-above", 1.01 * low)
    assert any(row["in_doubt"] for row in found["rows"])


def test_a_machine_that_became_slower_is_not_held_against_siffra(
    real: Path, tmp_path: Path
) -> None:
    before = made(real, tmp_path / "a.json", seed=1)
    after = made(real, tmp_path / "b.json", seed=2, drift=1.4)
    found = verdicts(before, after, "--fail-above", 1.1)
    assert {row["verdict"] for row in found["rows"]} == {"same"}
    assert found["machine_ratio"]["1"]["ratio"] == pytest.approx(1.4, rel=0.02)
    both = made(real, tmp_path / "c.json", seed=2, drift=1.4, slower=1.5)
    assert verdicts(before, both, "--fail-above", 1.1, status=1)["failed"]


def test_waiting_for_a_core_is_not_held_against_siffra(real: Path, tmp_path: Path) -> None:
    """In B other programs had the core for two fifths of the time."""
    before = made(real, tmp_path / "a.json", seed=1, milliseconds=5)
    after = made(real, tmp_path / "b.json", seed=2, milliseconds=5, waits=0.4)
    found = verdicts(before, after, "--fail-above", 1.1)
    assert {row["verdict"] for row in found["rows"]} == {"same"}
    assert all(row["ratio"] > 1.5 for row in found["rows"])
    both = made(real, tmp_path / "c.json", seed=2, milliseconds=5, waits=0.4, slower=1.5)
    assert verdicts(before, both, "--fail-above", 1.1, status=1)["failed"]


def test_too_few_turns_say_nothing(real: Path, tmp_path: Path) -> None:
    before = made(real, tmp_path / "a.json", seed=1, turns=2)
    after = made(real, tmp_path / "b.json", seed=2, slower=3.0, turns=2)
    done = compare(before, after, "--fail-above", 1.1)
    assert "too few turns" in done.stdout
    found = verdicts(before, after)
    assert {row["verdict"] for row in found["rows"]} == {"unknown"}
    assert found["rows"][0]["high"] is None


def changed(real: Path, path: Path, change: Change) -> Path:
    document = copy.deepcopy(json.loads(real.read_text()))
    change(document)
    path.write_text(json.dumps(document))
    return path


def _other_processor(document: dict[str, Any]) -> None:
    document["machine"]["cpu"]["model"] = "Cortex-A76"


def _other_governor(document: dict[str, Any]) -> None:
    document["machine"]["cpu"]["governor"] = "powersave"


def _other_quota(document: dict[str, Any]) -> None:
    document["machine"]["limits"]["cpus"] = 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_other_processor, "machine.cpu.model"),
        (_other_governor, "powersave"),
        (_other_quota, "machine.limits.cpus"),
    ],
)
def test_other_machines_are_refused_unless_forced(
    real: Path, tmp_path: Path, change: Change, said: str
) -> None:
    other = changed(real, tmp_path / "other.json", change)
    done = compare(real, other, status=2)
    assert said in done.stderr
    assert "--force" in done.stderr
    forced = compare(real, other, "--force")
    assert said in forced.stdout
    assert "do not speak of siffra" in forced.stdout


def _other_version(document: dict[str, Any]) -> None:
    document["version"] = 2


def _other_rows(document: dict[str, Any]) -> None:
    for row in document["rows"]:
        row["key"] += "/other"


@pytest.mark.parametrize(
    ("change", "said"),
    [(_other_version, "version 2 of the format"), (_other_rows, "no row in common")],
)
def test_what_has_nothing_in_common_is_refused(
    real: Path, tmp_path: Path, change: Change, said: str
) -> None:
    other = changed(real, tmp_path / "other.json", change)
    assert said in compare(real, other, "--force", status=2).stderr


def _no_turns(document: dict[str, Any]) -> None:
    document["rows"][1]["turns"] = []


def _turns_lost(document: dict[str, Any]) -> None:
    del document["rows"][1]["turns"]


def _words_for_times(document: dict[str, Any]) -> None:
    document["rows"][0]["turns"][2]["ns"] = ["x"]


def _no_time(document: dict[str, Any]) -> None:
    document["rows"][0]["turns"][2]["wall_ns"] = None


def _rows_of_text(document: dict[str, Any]) -> None:
    document["rows"] = ["row"]


def _load_of_text(document: dict[str, Any]) -> None:
    document["load"][0]["others_share"] = "much"


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (_no_turns, "rows.1.turns"),
        (_turns_lost, "rows.1.turns"),
        (_words_for_times, "rows.0.turns.2.ns"),
        (_no_time, "rows.0.turns.2.wall_ns"),
        (_rows_of_text, "rows.0"),
        (_load_of_text, "load.0.others_share"),
    ],
)
def test_a_damaged_result_is_refused_and_the_damage_named(
    real: Path, tmp_path: Path, damage: Change, where: str
) -> None:
    damaged = changed(real, tmp_path / "damaged.json", damage)
    (said,) = compare(real, damaged, status=2).stderr.splitlines()
    assert "damaged.json: is damaged" in said
    assert f"{where} is" in said


def test_the_same_measurement_twice_is_refused_unless_forced(real: Path, tmp_path: Path) -> None:
    copied = changed(real, tmp_path / "copy.json", lambda document: None)
    assert "the same measurement twice" in compare(real, copied, status=2).stderr
    assert {row["ratio"] for row in verdicts(real, copied, "--force")["rows"]} == {1.0}


def test_options_of_measuring_are_refused(real: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "bench", "--quick", "--fps", "5", "compare",
         str(real), str(real)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "takes no --quick, --fps" in done.stderr


def test_what_takes_three_times_as_long_is_slower_in_every_row(real: Path, tmp_path: Path) -> None:
    """Pictures too, while whose reading OpenCV's own threads wait for a core, or for work.

    The waits are real; what else disturbed the machine meanwhile is taken out of the samples.
    """

    def steady(document: dict[str, Any]) -> None:
        for row in document["rows"]:
            usual, yard = np.median(row["turns"][0]["ns"]), row["turns"][0]["yardstick_ns"]
            for turn in row["turns"]:
                factor = usual / np.median(turn["ns"])
                turn["ns"] = [factor * value for value in turn["ns"]]
                turn["yardstick_ns"] = yard

    def thrice(document: dict[str, Any]) -> None:
        for row in document["rows"]:
            for turn in row["turns"]:
                turn["ns"] = [3 * value for value in turn["ns"]]
                turn.update({key: 3 * turn[key] for key in ("wall_ns", "cpu_ns")})

    before = changed(real, tmp_path / "before.json", steady)
    slow = changed(before, tmp_path / "slow.json", thrice)
    found = verdicts(before, slow, "--fail-above", 1.01, status=1)
    assert "picture" in {row["key"].split("/")[0] for row in found["rows"]}
    assert {row["verdict"] for row in found["rows"]} == {"slower"}
    assert all(row["machine_high"] < 3 for row in found["rows"])


def test_the_ratio_is_that_of_the_levels(real: Path, tmp_path: Path) -> None:
    """Of turns at two speeds, however many calls the quick ones had time for."""

    def two_speeds(document: dict[str, Any]) -> None:
        for row in document["rows"]:
            for number, turn in enumerate(row["turns"][:4]):
                turn["ns"] = [4000] * 3 if number % 2 else [1000] * 99

    def slow(document: dict[str, Any]) -> None:
        for row in document["rows"]:
            for turn in row["turns"][:4]:
                turn["ns"] = [4000] * 3

    def four(change: Change) -> Change:
        def both(document: dict[str, Any]) -> None:
            for row in document["rows"]:
                del row["turns"][4:]
            change(document)

        return both

    before = changed(real, tmp_path / "before.json", four(two_speeds))
    after = changed(real, tmp_path / "after.json", four(slow))
    for row in verdicts(before, after)["rows"]:
        assert (row["before_level_ns"], row["after_level_ns"]) == (2000, 4000)
        assert row["ratio"] == 2


def test_what_the_machine_may_have_done_is_said_where_it_decides(
    real: Path, tmp_path: Path
) -> None:
    before = made(real, tmp_path / "a.json", seed=1)
    after = made(real, tmp_path / "b.json", seed=2, drift=1.4)
    assert "the machine alone: up to 1.4" in compare(before, after).stdout
    assert "the machine alone: down to 0.7" in compare(after, before).stdout
    slower = made(real, tmp_path / "c.json", seed=2, slower=1.4)
    assert "the machine alone" not in compare(before, slower).stdout


def test_a_thread_that_never_runs_makes_no_allowance_without_end(
    real: Path, tmp_path: Path
) -> None:
    """A clock that says that a turn waited for longer than it took is not believed."""
    before = made(real, tmp_path / "a.json", seed=1, milliseconds=5, waits=0.2)
    after = made(real, tmp_path / "b.json", seed=2, milliseconds=5, waits=0.2)

    def endless(document: dict[str, Any]) -> None:
        for row in document["rows"]:
            for turn in row["turns"][::2]:
                turn["waited_ns"] = 3 * turn["wall_ns"]

    found = verdicts(before, changed(after, tmp_path / "c.json", endless))
    assert all(row["machine_high"] < 100 for row in found["rows"])


@pytest.mark.parametrize("columns", [80, 160])
def test_lines_fit_the_terminal(real: Path, tmp_path: Path, columns: int) -> None:
    after = made(real, tmp_path / "b.json", seed=2, slower=1.4)
    shown = compare(real, after, "--fail-above", 1000, columns=columns).stdout.splitlines()
    assert max(map(len, shown)) <= columns
    assert sum("slower" in line or "faster" in line for line in shown) > 2


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"kind": "siffra-bench"}', None])
def test_what_is_no_result_is_refused(real: Path, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "none.json"
    if content is not None:
        path.write_text(content)
    assert "none.json" in compare(real, path, status=2).stderr


def test_rows_that_read_other_pictures_are_left_out(real: Path, tmp_path: Path) -> None:
    def other_picture(document: dict[str, Any]) -> None:
        document["rows"][0]["input_sha256"] = "0" * 64

    other = changed(real, tmp_path / "other.json", other_picture)
    found = verdicts(real, other)
    assert len(found["left_out"]) == 1
    assert found["left_out"][0] not in {row["key"] for row in found["rows"]}
    assert verdicts(real, other, "--force")["left_out"] == []


def test_what_changed_beside_the_figures_is_said(real: Path, tmp_path: Path) -> None:
    def newer(document: dict[str, Any]) -> None:
        document["software"]["onnxruntime"] = "9.9"
        document["rows"][0]["digits_right"] = 3

    other = changed(real, tmp_path / "other.json", newer)
    shown = compare(real, other).stdout
    assert "software.onnxruntime" in shown
    assert "-> 9.9" in shown


def test_a_reader_that_reads_less_is_said(real: Path, tmp_path: Path) -> None:
    def reads(count: int) -> Change:
        return lambda document: document["rows"][0].update(digits_expected=8, digits_right=count)

    before = changed(real, tmp_path / "before.json", reads(8))
    after = changed(real, tmp_path / "after.json", reads(3))
    assert "reads 3 digits, not 8" in compare(before, after).stdout


def test_the_comparison_is_as_its_schema_says(real: Path, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(bench.__file__).parent / "schema.json").read_text())
    found = verdicts(real, made(real, tmp_path / "b.json", seed=1), "--fail-above", 100)
    jsonschema.validate(found, {**schema, "oneOf": [{"$ref": "#/$defs/comparison"}]})
