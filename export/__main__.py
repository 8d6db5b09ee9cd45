"""`python -m export RUN`: see `--help`."""

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Export a run; return the exit status: 0, 1 where a variant falls short, 2 for a bad run."""
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Convert a trained run to ONNX (fp32 and int8) and prove on its whole test set "
        "that nothing was lost. Models and parity.json are written into the run.",
        epilog="Exit status: 0, 1 where a variant falls short of parity, 2 where the run or the "
        "arguments are wrong.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run, such as runs/seed-0")
    parser.add_argument(
        "--release",
        action="store_true",
        help="if all variants pass, copy them into the package, with model card and golden vectors",
    )
    parser.add_argument(
        "--package",
        type=Path,
        metavar="DIR",
        help="folder of models to release into; default: that of the runtime in this checkout",
    )
    options = parser.parse_args(arguments)
    if options.package and not options.release:
        parser.error("--package says where to release to: give --release with it")

    try:
        return _export(options)
    except OSError as error:
        where = "" if error.filename else f", in {tempfile.gettempdir()} it seems"
        print(f"export: {error}{where}; mend that and export again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("export: stopped", file=sys.stderr)
        return 130


def _export(options: argparse.Namespace) -> int:
    from siffra import SiffraError

    from .runs import RunError, held

    try:
        with held(options.run):
            return _export_held(options)
    except RunError as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f'export: {error}; install it: pip install -e ".[train]"', file=sys.stderr)
        return 2
    except SiffraError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1


def _export_held(options: argparse.Namespace) -> int:
    from .runs import open_run

    run = open_run(options.run)
    print(f"converting {options.run}, comparing on {len(run.test_cells):,} cells", flush=True)
    _import_tensorflow_silently()
    from .build import build

    built = build(run)
    print(built.report.table())
    print(f"report: {options.run / 'parity.json'}")
    if not (built.report.passed or options.release):
        print("export: a variant falls short of parity, see above", file=sys.stderr)
        return 1
    if options.release:
        from .release import PACKAGE_MODELS, ReleaseError, release

        try:
            for path in release(built, options.package or PACKAGE_MODELS):
                print(f"released: {path}")
        except ReleaseError as error:
            print(f"export: {error}", file=sys.stderr)
            return 1
    return 0


def _import_tensorflow_silently() -> None:
    # Its C++ notes come before it looks at this variable, and past Python's sys.stderr.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # tf2onnx converts no other
    stderr = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        importlib.import_module("tensorflow")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


if __name__ == "__main__":
    sys.exit(main())
