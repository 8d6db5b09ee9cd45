"""The command line as a process: `siffra`, or `python -m siffra` where that is not on the path."""

import sys


def main() -> int:
    """Run the command line; return the exit status."""
    try:
        from .cli import main

        return main()
    except KeyboardInterrupt:  # while modules load
        return 130


if __name__ == "__main__":
    sys.exit(main())
