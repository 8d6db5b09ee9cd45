"""What was read, compared with what is written."""

import re


def as_label(text: str) -> str:
    """Write what a reader says as labels are written.

    Digits and `?` stay, lines are separated by `/`; everything else, and lines without either, go.
    """
    lines = ("".join(re.findall("[0-9?]", line)) for line in text.splitlines())
    return "/".join(filter(None, lines))


def digits(text: str) -> str:
    """Return the digits of a text alone: no line breaks, and no `?` for what was not accepted."""
    return "".join(re.findall("[0-9]", text))


def edits(a: str, b: str) -> int:
    """Return the Levenshtein distance: characters to insert, delete or replace."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def matches(a: str, b: str) -> int:
    """Return how many characters can be matched in order: the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if x == y else max(row[j], row[j - 1])
    return row[-1]
