"""Rich Text Format 1.9: ASCII bytes, every other character as \\uN with a question mark to fall back on.

Source: Microsoft, "Rich Text Format (RTF) Specification, version 1.9.1", Unicode RTF.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from simulator.population.documents.paper import Paper, Section, Table

_TWIPS = 9_360  # between the margins of a US letter page


def rtf(paper: Paper) -> bytes:
    """A document as RTF."""
    parts = [
        r"{\rtf1\ansi\ansicpg1252\deff0\uc1{\fonttbl{\f0\fswiss\fcharset0 Arial;}}",
        r"\paperw12240\paperh15840\margl1440\margr1440\f0\fs20",
        *(_paragraph(line, r"\qc") for line in paper.letterhead),
        r"\par",
        _paragraph(paper.title, r"\b\fs28", r"\b0\fs20"),
        *(_paragraph(f"{name}: {value}") for name, value in paper.facts),
    ]
    for section in paper.sections:
        parts.append(r"\par")
        if section.heading:
            parts.append(_paragraph(section.heading, r"\b", r"\b0"))
        parts.extend(_section(section))
    parts.append(r"\par")
    parts.extend(_paragraph(line, r"\i", r"\i0") for line in paper.closing)
    return ("\r\n".join(parts) + "}").encode("ascii")


def _section(section: Section) -> Iterator[str]:
    for line in section.lines:
        if section.is_list:
            yield rf"{{\pard\fi-200\li360\bullet\tab {escaped(line)}\par}}"
        else:
            yield _paragraph(line)
    if section.table is not None:
        yield from _table(section.table)


def _table(table: Table) -> Iterator[str]:
    step = _TWIPS // len(table.headings)
    edges = "".join(rf"\cellx{step * (place + 1)}" for place in range(len(table.headings)))
    for turn, row in enumerate((table.headings, *table.rows)):
        bold = r"\b " if turn == 0 else ""
        cells = "".join(rf"{{{bold}{escaped(cell)}}}\cell " for cell in row)
        yield rf"{{\trowd\trgaph70{edges}\pard\intbl {cells}\row}}"


def _paragraph(text: str, before: str = "", after: str = "") -> str:
    return rf"{{\pard{before} {escaped(text)}{after}\par}}"


_MEANT = re.compile(r"[\\{}]")


def escaped(text: str) -> str:
    """`text` with the characters that mean something to RTF escaped, and those beyond ASCII by number."""
    if text.isascii() and not _MEANT.search(text):
        return text
    out = []
    for letter in text:
        number = ord(letter)
        if letter in "\\{}":
            out.append("\\" + letter)
        elif number < 128:
            out.append(letter)
        else:
            pairs = letter.encode("utf-16-le")
            for place in range(0, len(pairs), 2):
                unit = int.from_bytes(pairs[place : place + 2], "little")
                out.append(rf"\u{unit - 65536 if unit > 32767 else unit}?")
    return "".join(out)
