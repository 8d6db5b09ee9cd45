"""Into the package: the models, their card, and golden vectors to check them by on any device."""

from pathlib import Path

from siffra import Reader
from siffra.check import FILE_NAME as GOLDEN
from siffra.files import leftovers, replace_all
from siffra.shipped import FILE_NAME as DIGESTS
from siffra.shipped import digests, sha256

from .build import Built
from .card import card
from .golden import PICTURE, golden_vectors, to_npz

PACKAGE_MODELS = Path(__file__).parents[1] / "runtime" / "siffra" / "models"


class ReleaseError(Exception):
    """A release that was refused; the message says why."""


def release(built: Built, destination: Path = PACKAGE_MODELS) -> list[Path]:
    """Copy a run's models into a package, with a model card, and record golden vectors anew.

    Args:
        built: What export made of the run.
        destination: The folder of the package's models.

    Returns:
        The files that were written.

    Raises:
        ReleaseError: A variant falls short of its parity or misreads the golden picture, or the
            destination is no folder. Nothing was written then.
    """
    if not built.report.passed:
        short = ", ".join(v.name for v in built.report.variants if v.shortfalls)
        raise ReleaseError(f"not released: {short} fell short of parity with Keras, see above")
    if not destination.is_dir():
        raise ReleaseError(f"not released: {destination} is not a folder")
    for path in leftovers(destination):  # of a release that was killed
        path.unlink()
    models = {path.name: path for path in built.models}
    others = _others(destination, set(models))
    released = others | models
    try:
        golden = golden_vectors({Path(name).stem: released[name] for name in sorted(released)})
    except ValueError as error:
        raise ReleaseError(f"not released: {error}") from error
    for model in built.models:
        read = Reader(model).read(golden["picture"].tobytes()).text
        if read != str(golden["picture_text"]):
            raise ReleaseError(
                f"not released: {model.stem} reads {read!r} from {PICTURE}, which shows "
                f"{str(golden['picture_text'])!r}; train it for longer, or on more digits"
            )

    contents = {
        **{destination / model.name: model.read_bytes() for model in built.models},
        destination / f"{built.run.family}.md": card(built).encode(),
        destination / f"{built.run.family}-parity.json": (
            (built.run.path / "parity.json").read_bytes()
        ),
        destination / GOLDEN: to_npz(golden),
    }
    sums = {path.name: sha256(content) for path, content in contents.items()}
    sums |= {name: sha256(path.read_bytes()) for name, path in others.items()}
    contents[destination / DIGESTS] = "".join(  # last: what is not there yet does not match it
        f"{digest}  {name}\n"
        for name, digest in sorted(sums.items())
        if name == GOLDEN or name.endswith(".onnx")
    ).encode()
    replace_all(contents)
    return list(contents)


def _others(destination: Path, names: set[str]) -> dict[str, Path]:
    """Return the models that a package has besides, as they were released, by the file's name."""
    if not (destination / DIGESTS).exists():
        return {}
    others = {}
    try:
        for name, digest in digests(destination).items():
            if name in names or not name.endswith(".onnx"):
                continue
            others[name] = destination / name
            if sha256(others[name].read_bytes()) != digest:
                raise ValueError(f"{name} is not what {DIGESTS} says; release its run first")
    except (OSError, ValueError) as error:
        raise ReleaseError(f"not released: {destination}: {error}") from error
    return others
