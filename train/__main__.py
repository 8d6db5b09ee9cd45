"""`python -m train`: from the data to `runs/NAME`, with everything that the run gave."""

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .backend import import_tensorflow
from .config import RECIPES, TrainConfig
from .data import DataError, Dataset, load
from .run import Run, RunError


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says; 0, or 1 failed, 2 wrong usage or data, 130 stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parse(given)
    try:
        _train(options)
    except (DataError, RunError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(
            f'train: {error}; install what training needs: pip install -e ".[train]"',
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(
            f"train: {error}; mend that and go on with: {_again(options, given)}", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print(f"\ntrain: stopped; go on with: {_again(options, given)}", file=sys.stderr)
        return 130
    return 0


def _again(options: argparse.Namespace, given: Sequence[str]) -> str:
    """The command that goes on with what was begun."""
    same = [option for option in given if option not in ("--force", "--resume")]
    begun = ["--resume"] if _run(options).config.is_file() else []
    return shlex.join(["python", "-m", "train", *same, *begun])


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m train",
        allow_abbrev=False,
        description="Train a digit network; the run directory holds the model and its report.",
    )
    parser.add_argument("--recipe", choices=RECIPES, help="default: seed")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="MNIST's IDX files, mnist.npz, or folders 0 to 9 of your own pictures; "
        "default: $SIFFRA_DATA, else Keras' download",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="default: %(default)s")
    parser.add_argument("--name", type=_name, help="name of the run; default: recipe and seed")
    parser.add_argument(
        "--seed",
        type=_seed,
        metavar="N",
        help="decides the first weights and the order of the batches; all seeds share the "
        "augmented versions and the teachers",
    )
    parser.add_argument("--epochs", type=_epochs, metavar="N")
    parser.add_argument(
        "--loop",
        choices=("compiled", "keras"),
        help="keras: plain Model.fit, the same arithmetic, slower",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run that was stopped, with the options it was begun with",
    )
    group.add_argument("--force", action="store_true", help="start an existing run again")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> Run:
    recipe = options.recipe or "seed"
    seed = RECIPES[recipe].seed if options.seed is None else options.seed
    return Run(options.runs / (options.name or f"{recipe}-{seed}"))


def _train(options: argparse.Namespace) -> None:
    run = _run(options)
    config, folder = _agreed(run, options)
    if not _is_complete(run, options):
        dataset = load(options.data or folder)
        _print_data(dataset)
        with run.held():
            config, _ = _agreed(run, options)  # again: another training may have ended meanwhile
            if not _is_complete(run, options):
                _train_on(dataset, config, run, force=options.force)
    _print_next(run)


def _agreed(run: Run, options: argparse.Namespace) -> tuple[TrainConfig, Path | None]:
    """The config, and the folder of the data that the run was begun with; changes nothing.

    Raises:
        RunError: The run cannot begin, or not go on, as the options ask.
    """
    given = _given(options)
    config, folder = dataclasses.replace(RECIPES[options.recipe or "seed"], **given), None
    begun = run.begun_with() if options.resume else None
    if options.resume and begun is None:
        others = ", ".join(sorted(path.parent.name for path in options.runs.glob("*/config.json")))
        raise RunError(
            f"there is no run {run.directory} to go on with; leave out --resume to begin it"
            + (f", or choose one that is there with --name: {others}" if others else "")
        )
    if begun is not None:
        config, folder = dataclasses.replace(begun[0], **given), begun[1]
    if run.directory.name in config.teachers:
        raise RunError(
            f"{run.directory} is one of the recipe's own teachers: choose another --name"
        )
    run.check(config, resume=options.resume, force=options.force)
    return config, folder


def _is_complete(run: Run, options: argparse.Namespace) -> bool:
    if not (run.is_whole and options.resume):
        return False
    run.checkpoint.unlink(missing_ok=True)  # of one that was killed at its very end
    print(f"{run.directory} is complete already")
    return True


def _train_on(dataset: Dataset, config: TrainConfig, run: Run, *, force: bool) -> None:
    run.begin(config, dataset, force=force)
    # TensorFlow takes seconds to import: only now, after all that may be refused.
    import_tensorflow()
    for name in config.teachers:
        _teach(run.beside(name), dataset)
    accuracy = _fit(config, run, dataset)
    print(f"test accuracy: {accuracy:.2%} on {len(dataset.test_labels):,} cells")
    print(f"run: {run.directory} (see {run.directory / 'report.md'})")


def _teach(run: Run, dataset: Dataset) -> None:
    """Train a teacher, or go on with it, unless its run is whole."""
    recipe, _, seed = run.directory.name.rpartition("-")
    config = dataclasses.replace(RECIPES[recipe], seed=int(seed))
    with run.held(wait=True):
        mismatch = run.mismatch(config)
        if mismatch is None and run.has_other_data(dataset):
            mismatch = "was begun with other data"
        if mismatch is not None:
            raise RunError(
                f"the teacher {run.directory} {mismatch}: move it away, so that the teacher is "
                "trained in its place, or choose another --runs"
            )
        if run.is_whole:
            print(f"teacher: {run.directory}")
            return
        print(f"teacher: {run.directory}, to be trained first")
        run.begin(config, dataset, force=False)
        _fit(config, run, dataset)


def _fit(config: TrainConfig, run: Run, dataset: Dataset) -> float:
    from . import fit  # imports TensorFlow

    epochs = fit.epochs_of(config, run, dataset)
    model, history = fit.prepare(config, run, epochs(0))
    model.summary()
    history = fit.train(config, run, dataset, epochs, model, history)
    return fit.finish(config, run, dataset, model, history)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The options that stand for fields of the config, as far as they were given."""
    values = {name: getattr(options, name) for name in ("recipe", "seed", "epochs", "loop")}
    return {name: value for name, value in values.items() if value is not None}


def _print_data(dataset: Dataset) -> None:
    if dataset.left_out:
        print(f"train: left out: {', '.join(dataset.left_out)}", file=sys.stderr)
    print(f"data: {dataset.source}")
    print(f"{'':8}{'cells':>16}" + "".join(f"{digit:>7}" for digit in range(10)))
    for name, cells, labels in (
        ("train", dataset.train_cells, dataset.train_labels),
        ("test", dataset.test_cells, dataset.test_labels),
    ):
        shape = " x ".join(map(str, cells.shape))
        counts = "".join(f"{count:>7}" for count in np.bincount(labels, minlength=10))
        print(f"{name:8}{shape:>16}{counts}")


def _print_next(run: Run) -> None:
    print(f"next: {shlex.join(['python', '-m', 'export', str(run.directory)])}")


def _name(text: str) -> str:
    # The name becomes a folder that --force empties: it must not lead elsewhere.
    if text != Path(text).name or text.startswith("."):
        raise argparse.ArgumentTypeError("a plain name, without folders or a dot in front")
    return text


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError("a whole number from 0 to 4294967295")
    return int(text)


def _epochs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
