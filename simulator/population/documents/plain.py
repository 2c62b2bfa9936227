"""Plain text: lines of at most 78 characters, tables in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap

from simulator.population.documents.paper import Paper, Section, Table

WIDTH = 78
_BLANKS = re.compile(r"[\t\n\x0b\x0c\r]")  # those that wrapping turns into spaces


def lines_of(paper: Paper) -> Iterator[str]:
    """The lines of a document as plain text."""
    yield from paper.letterhead
    yield ""
    yield paper.title.upper()
    yield ""
    width = max((len(name) for name, _ in paper.facts), default=0) + 2
    for name, value in paper.facts:
        yield f"{name + ':':<{width}}{value}".rstrip()
    for section in paper.sections:
        yield ""
        if section.heading:
            yield section.heading.upper()
        yield from _section(section)
    yield ""
    for line in paper.closing:
        yield from _wrapped(line)


def plain(paper: Paper) -> str:
    """A document as plain text, lines ended by a line feed."""
    return "\n".join(lines_of(paper)) + "\n"


def _section(section: Section) -> Iterator[str]:
    for line in section.lines:
        if section.is_list:
            yield from _wrapped(line, "- ", "  ")
        else:
            yield from _wrapped(line)
    if section.table is not None:
        yield from columns(section.table)


def _wrapped(line: str, first: str = "", further: str = "") -> list[str]:
    """A line as lines of the width; most need no wrapping, and it is costly."""
    if 0 < len(line) <= WIDTH - len(first) and line == line.strip() and not _BLANKS.search(line):
        return [first + line]
    return wrap(line, WIDTH, initial_indent=first, subsequent_indent=further)


def columns(table: Table) -> Iterator[str]:
    """A table in columns as wide as their widest cell."""
    widths = [max(len(row[place]) for row in (table.headings, *table.rows)) for place in range(len(table.headings))]
    for row in (table.headings, *table.rows):
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
