"""Print, as pins for pip, the oldest versions that a wheel allows on the Python that runs this.

The wheel's own metadata says what it allows, so nothing has to be kept in step with
pyproject.toml. A version without a ready-made build for this Python is passed over: numpy 1.24, for
one, has none for Python 3.12.

    python .ci/oldest.py siffra-0.1.0-py3-none-any.whl headless web
"""

import re
import subprocess
import sys
import zipfile
from email.parser import BytesHeaderParser
from pathlib import Path

# pip brings it, and a bare environment has nothing else that knows what a version is.
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.specifiers import SpecifierSet

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def requirements(wheel: Path, extras: list[str]) -> dict[str, SpecifierSet]:
    """What the wheel needs on this machine, without and with its extras: versions by name."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = BytesHeaderParser().parsebytes(archive.read(name))
    allowed: dict[str, SpecifierSet] = {}
    for requirement in map(Requirement, metadata.get_all("Requires-Dist", [])):
        marker = requirement.marker
        if not marker or any(marker.evaluate({"extra": extra}) for extra in ["", *extras]):
            earlier = allowed.get(requirement.name, SpecifierSet())
            allowed[requirement.name] = earlier & requirement.specifier
    return allowed


def oldest(name: str, allowed: SpecifierSet) -> str:
    """The lowest version allowed that installs here as it comes."""
    listed = subprocess.run(
        [*PIP, "index", "versions", name], capture_output=True, text=True, check=True
    ).stdout
    (line,) = re.findall("^Available versions: (.+)$", listed, re.MULTILINE)
    for version in reversed(list(allowed.filter(line.split(", ")))):
        pin = f"{name}=={version}"
        only = ["--dry-run", "--no-deps", "--ignore-installed", "--only-binary", ":all:", pin]
        if not subprocess.run(
            [*PIP, "install", *only], capture_output=True, check=False
        ).returncode:
            return pin
    raise SystemExit(f"no {name} {allowed} installs on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    for name, allowed in requirements(Path(sys.argv[1]), sys.argv[2:]).items():
        print(oldest(name, allowed))
