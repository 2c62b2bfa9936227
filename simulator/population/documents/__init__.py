"""The words of documents: what a note, letter or report says, in the format in which it is kept.

Nothing is stored but what was written last. A document is written from the chart as of its own moment when somebody
asks for it, so no note knows the future, and it tells nothing that carries a sensitivity label which the document
itself does not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from simulator.population.documents.ccda import ccda
from simulator.population.documents.drawer import Drawer
from simulator.population.documents.notes import CCDA, paper_of
from simulator.population.documents.paper import Paper
from simulator.population.documents.pdf import pdf
from simulator.population.documents.plain import plain
from simulator.population.documents.retold import text_of
from simulator.population.documents.rtf import rtf
from simulator.population.documents.view import View
from simulator.population.documents.web import page
from simulator.population.people import Population
from simulator.population.records import Chart, Document

__all__ = ["Charts", "Content", "content_of", "read"]


class Charts(Protocol):
    """The part of a world that documents need."""

    population: Population

    def chart_at(self, number: int, at: datetime) -> Chart:
        """Everything that was so about a patient at a moment."""

    def as_it_stood(self, record: Document, number: int, at: datetime) -> tuple[Document, int]:
        """A record of a patient's chart as it stood at a moment, and in whose chart it did."""

    def origin(self, number: int) -> Hashable | None:
        """What everything that is told of a human being follows from; None when something was written about them."""


@dataclass(frozen=True, slots=True)
class Content:
    """A document as it is kept: its bytes, and what a reader of it reads."""

    mime: str
    data: bytes
    text: str

    @property
    def sha256(self) -> str:
        """The hash of the bytes, in hexadecimal digits."""
        return sha256(self.data).hexdigest()

    @property
    def size_bytes(self) -> int:
        """What it costs to hold it, roughly."""
        return len(self.data) + len(self.text)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a document says, before it has a format."""

    paper: Paper
    text: str

    @property
    def size_bytes(self) -> int:
        """What it costs to hold it, roughly: the paper says the same again, in pieces."""
        return 4 * len(self.text)


_WRITERS: dict[str, Callable[[Paper], bytes]] = {"text/rtf": rtf, "text/html": page, "application/pdf": pdf}
_DRAWER: Drawer[Content] = Drawer(most_bytes=4 << 20)
_WORDS: Drawer[_Words] = Drawer(most_bytes=2 << 20)
"""Without their formats: who has read a note in one asks for it in another, and the judge for its words."""


def read(world: Charts, number: int, document: Document) -> Content:
    """What a document of patient `number` says: what it said before whose it was was merged into them."""
    filed, whose = world.as_it_stood(document, number, document.created)
    origin = world.origin(whose)

    def words() -> _Words:
        return _words_of(View(filed, world.chart_at(whose, document.created), world.population))

    def written() -> Content:
        if origin is None or filed.body is not None or filed.mime == CCDA:
            return content_of(filed, world.chart_at(whose, document.created), world.population)
        return _in_format(filed.mime, _WORDS.content((origin, whose, replace(filed, mime="")), words))

    return written() if origin is None else _DRAWER.content((origin, whose, filed), written)


def content_of(document: Document, chart: Chart, population: Population) -> Content:
    """What a document says. `chart` is the chart as of `document.created`; of a document that somebody put in, any.

    Raises:
        KeyError: a format that nobody writes.
    """
    if document.body is not None:
        return Content(document.mime, document.body, text_of(document.mime, document.body))
    view = View(document, chart, population)
    words = _words_of(view)
    if document.mime == CCDA:
        return Content(CCDA, ccda(view, words.paper), words.text)
    return _in_format(document.mime, words)


def _words_of(view: View) -> _Words:
    paper = paper_of(view)
    return _Words(paper, plain(paper))


def _in_format(mime: str, words: _Words) -> Content:
    data = words.text.encode() if mime == "text/plain" else _WRITERS[mime](words.paper)
    return Content(mime, data, words.text)
