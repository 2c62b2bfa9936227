"""The content of documents: the bytes as they are kept, or at least nine tenths of the words.

An integration may keep the bytes, the words, or both. The same bytes settle the words; the right words settle bytes
that were decoded and written again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simulator.population.judging.expectation import Expectation, Mismatch, at, is_empty
from simulator.population.judging.words import alike

_TAG = re.compile(r"<[^<>]*>")


def settled(e: Expectation, got: dict[str, Any]) -> frozenset[str]:
    """The fields of which nothing more needs to be asked."""
    if e.kind != "document":
        return frozenset()
    if _hash(at(got, "sha256")) in _hashes(e):
        return frozenset(("sha256", "content"))
    want_words, got_words = at(e.record, "content"), at(got, "content")
    if not is_empty(want_words) and not is_empty(got_words) and _is_told(str(want_words), str(got_words)):
        return frozenset(("sha256", "content"))
    return frozenset()


def written(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    if _hash(got) != _hash(want):
        yield Mismatch(
            field, "wrong", "major", want, got, "other bytes: cut short, decoded twice or of another document"
        )


def words(e: Expectation, field: str, want: Any, got: Any) -> Iterator[Mismatch]:
    if not _is_told(str(want), str(got)):
        yield Mismatch(field, "wrong", "major", want, got, "other words")


def _hashes(e: Expectation) -> set[str]:
    """Of the document as it is expected, and of the other forms in which it is told."""
    want, also = at(e.record, "sha256"), e.lost("sha256", "also")
    others = also.value if also is not None and isinstance(also.value, list) else []
    return {_hash(one) for one in (want, *others) if not is_empty(one)}


def _is_told(want: str, got: str) -> bool:
    """Whether the words are told, be it between tags."""
    return alike(want, got) or ("<" in got and alike(want, _TAG.sub(" ", got)))


def _hash(value: Any) -> str:
    return str(value).strip().lower().removeprefix("sha256:")
