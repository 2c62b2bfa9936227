"""A document before it has a format: a letterhead, a title, facts about it, and sections of lines and tables.

Every format is written from this, so all of them say the same.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equally many cells below their headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it; lines of a list start with a hyphen in the plain form."""

    heading: str
    lines: tuple[str, ...] = ()
    is_list: bool = False
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    letterhead: tuple[str, ...]
    title: str
    facts: tuple[tuple[str, str], ...]  # patient, visit, author…
    sections: tuple[Section, ...]
    closing: tuple[str, ...]
