"""Write the bill of materials (CycloneDX 1.6, JSON) of a wheel as it was tested.

What is in the wheel comes from the wheel, with the provenance that its models state of themselves;
what it needs comes with the versions and licences of the environment that runs this. The same wheel
and environment give the same bytes.

    python .ci/sbom.py siffra-0.1.0-py3-none-any.whl siffra-0.1.0.cdx.json
"""

import json
import sys
import uuid
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from email.parser import BytesHeaderParser
from hashlib import sha256
from importlib.metadata import (
    Distribution,
    PackageMetadata,
    PackageNotFoundError,
    distribution,
)
from pathlib import Path

import onnxruntime
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType, Pedigree
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("headless", "gui", "web", "plot")
"""What applications install; the others are for the repository."""

SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
}
CLASSIFIER = "License :: OSI Approved :: "

# What the wheels of OpenCV bring, by their LICENSE-3RD-PARTY.txt: what asks most of whoever passes
# it on. The file names the rest.
BUNDLED = {
    "opencv-python-headless": {"FFmpeg": "LGPL-2.1-or-later"},
    "opencv-python": {"FFmpeg": "LGPL-2.1-or-later", "Qt": "LGPL-3.0-only"},
}
MNIST = "CC-BY-SA-3.0"


def licences(text: str) -> list[License]:
    """A licence by its SPDX name where it has one."""
    return [LicenseFactory().make_from_string(SPDX.get(text, text))] if text else []


def licence_of(metadata: PackageMetadata) -> str:
    """What a distribution says of its licence, in a line."""
    known = metadata.json
    stated = str(known.get("license_expression") or known.get("license") or "")
    if stated and len(stated.splitlines()) == 1 and len(stated) < 60:
        return stated
    classifiers = metadata.get_all("Classifier", [])
    named = [each.removeprefix(CLASSIFIER) for each in classifiers if each.startswith(CLASSIFIER)]
    return named[0] if named else stated.splitlines()[0].strip() if stated else ""


def properties(**values: str) -> list[Property]:
    """Facts that the format has no field of its own for."""
    return [Property(name=f"siffra:{name}", value=value) for name, value in values.items()]


def model(name: str, content: bytes) -> Component:
    """A network, with what it was made from: its data are its ancestors."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    stated = session.get_modelmeta().custom_metadata_map
    data = [
        Component(
            name=file,
            type=ComponentType.DATA,
            bom_ref=f"{name}/{file}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
            licenses=licences(MNIST),
        )
        for file, digest in json.loads(stated["data"]).items()
    ]
    facts = ("recipe", "accuracy", "test_cells", "contract", "parity", "precision", "threshold")
    return Component(
        name=stated["name"],
        version=stated["version"],
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=name,
        description=stated["licence"],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256(content).hexdigest())],
        licenses=licences("MIT"),
        pedigree=Pedigree(ancestors=data),
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.MODEL_CARD,
                url=XsUri(f"siffra/models/{stated['family']}.md"),
            )
        ],
        properties=properties(file=name, **{fact: stated[fact] for fact in facts}),
    )


def bundled(name: str, found: Distribution | None) -> Iterator[Component]:
    """What a dependency brings within its own wheel: by its own bill, and by its licence file."""
    for part, licence in BUNDLED.get(name, {}).items():
        yield Component(
            name=part,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}/{part}",
            licenses=licences(licence),
        )
    bills = [file for file in (found.files or [] if found else []) if "sboms" in file.parts]
    parts = {
        (part["name"], part["version"], part["purl"])
        for bill in bills
        for part in json.loads(bill.read_text())["components"]
        if part.get("purl") and not part["purl"].startswith("pkg:pypi/")
    }
    for part, version, purl in sorted(parts):
        yield Component(
            name=part,
            version=version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}/{purl}",
            purl=PackageURL.from_string(purl),
        )


def dependency(name: str, declared: dict[str, str]) -> Component:
    """A package that siffra needs, or that one of those needs, as this environment has it."""
    try:
        found = distribution(name)
    except PackageNotFoundError:  # the other build of OpenCV
        found = None
    version = found.version if found else None
    facts = {"declared": declared[name]} if name in declared else {}
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"pkg:{name}",
        scope=ComponentScope.OPTIONAL if "extra" in declared.get(name, "") else None,
        purl=PackageURL("pypi", name=name, version=version),
        licenses=licences(licence_of(found.metadata) if found else "Apache-2.0"),
        components=list(bundled(name, found)),
        properties=properties(**facts),
    )


def needs(requires: list[str], extras: tuple[str, ...] = ()) -> Iterator[Requirement]:
    """The requirements that hold here, without and with the extras."""
    for requirement in map(Requirement, requires):
        marker = requirement.marker
        if not marker or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def bill(wheel: Path) -> Bom:
    """The bill of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
        made = archive.infolist()[0].date_time
    (metadata,) = [files[name] for name in files if name.endswith(".dist-info/METADATA")]
    stated = BytesHeaderParser().parsebytes(metadata)
    version = stated["Version"]
    digest = sha256(wheel.read_bytes()).hexdigest()
    root = Component(
        name="siffra",
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref="siffra",
        purl=PackageURL("pypi", name="siffra", version=version),
        licenses=licences(stated["License-Expression"]),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        properties=properties(python=sys.version.split()[0], platform=sys.platform),
    )
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest}"))
    bom.metadata.timestamp = datetime(
        *made, tzinfo=timezone.utc
    )  # now would differ from run to run
    bom.metadata.component = root
    for name, content in sorted(files.items()):
        if name.endswith(".onnx"):
            bom.components.add(component := model(name, content))
            bom.register_dependency(root, [component])

    declared: dict[str, str] = {}
    for requirement in needs(stated.get_all("Requires-Dist", []), EXTRAS):
        text = f"{requirement.specifier}" + (
            f"; {requirement.marker}" if requirement.marker else ""
        )
        earlier = declared.get(requirement.name)
        declared[requirement.name] = f"{earlier} and {text}" if earlier else text
    seen: dict[str, Component] = {}

    def add(name: str) -> Component:
        """A package and, through it, what it needs."""
        if name not in seen:
            seen[name] = dependency(name, declared)
            bom.components.add(seen[name])
            try:
                requires = distribution(name).requires or []
            except PackageNotFoundError:
                requires = []
            bom.register_dependency(
                seen[name], [add(canonicalize_name(each.name)) for each in needs(requires)]
            )
        return seen[name]

    bom.register_dependency(root, [add(name) for name in declared])
    return bom


def main(wheel: Path, output: Path) -> None:
    """Write and validate."""
    text = JsonV1Dot6(bill(wheel)).output_as_string(indent=1)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        raise SystemExit(f"{output}: is no valid CycloneDX 1.6: {error}")
    output.write_text(text + "\n")
    parts = json.loads(text)["components"]
    models = [part["name"] for part in parts if part["type"] == "machine-learning-model"]
    unknown = [part["name"] for part in parts if not part.get("licenses")]
    if unknown:
        raise SystemExit(f"{output}: no licence is known of {', '.join(unknown)}")
    print(f"{output.name}: {len(models)} models, {len(parts) - len(models)} packages, valid")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
