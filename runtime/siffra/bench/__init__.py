"""`siffra bench`: how fast siffra reads on this machine, what limits it, which settings are best.

From the command line inwards: `command` parses, `run` calls and prints, `cases` says what is
measured, `rounds` measures it in processes (`process`) that work as `worker` says, `figures` turns
samples into figures, `allowance` says what the machine may have done to them, `result` puts them
together, `table`, `plot` and `advice` say what they mean, `compare` sets two results side by side.
"""

WORKLOADS = ("cell", "batch", "picture", "cold", "paced", "threads")
"""What can be measured; `threads` adds other numbers of threads to `batch` and `picture`."""

FPS = 30.0
"""Calls a second of `paced`, where none are asked for."""
