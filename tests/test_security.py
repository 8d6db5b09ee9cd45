"""Each promise in SECURITY.md names what holds it, and that exists."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
SECURITY = (TESTS.parent / "SECURITY.md").read_text()
ROWS = [line for line in SECURITY.splitlines() if line.startswith("| ") and "---" not in line]


def test_every_test_that_is_named_exists() -> None:
    named: list[tuple[str, str]] = []
    for row in ROWS:
        file = ""
        for name, test in re.findall(r"`(?:(test_\w+\.py))?(?:::(test_\w+))?`", row):
            file = name or file
            if file:
                named.append((file, test))
    assert len(named) > 50
    for file, test in named:
        path = TESTS / file
        assert path.is_file(), file
        assert not test or f"\ndef {test}(" in path.read_text(), f"{file}::{test}"


def test_every_promise_is_held_by_something() -> None:
    promised = SECURITY.partition("## What is promised")[2].partition("## What is not promised")[0]
    rows = [row for row in promised.splitlines() if row.startswith("| ") and "---" not in row]
    promises = [row for row in rows if not row.startswith("| promise |")]
    assert len(promises) > 30
    for row in promises:
        assert "`" in row.split("|")[2], row
