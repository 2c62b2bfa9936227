"""The words of documents: what a note, letter or report says, in the format in which it is kept.

Nothing is stored but what was written last. A document is written from the chart as of its own moment when somebody
asks for it, so no note knows the future, and it tells nothing that carries a sensitivity label which the document
itself does not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
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


_WRITERS: dict[str, Callable[[View, Paper], bytes]] = {
    "text/rtf": lambda view, paper: rtf(paper),
    "text/html": lambda view, paper: page(paper),
    "application/pdf": lambda view, paper: pdf(paper),
    CCDA: ccda,
}


_DRAWER: Drawer[Content] = Drawer(most_bytes=4 << 20)


def read(world: Charts, number: int, document: Document) -> Content:
    """What a document of patient `number` says: what it said before whose it was was merged into them."""
    filed, whose = world.as_it_stood(document, number, document.created)

    def written() -> Content:
        return content_of(filed, world.chart_at(whose, document.created), world.population)

    origin = world.origin(whose)
    return written() if origin is None else _DRAWER.content((origin, whose, filed), written)


def content_of(document: Document, chart: Chart, population: Population) -> Content:
    """What a document says. `chart` is the chart as of `document.created`; of a document that somebody put in, any.

    Raises:
        KeyError: a format that nobody writes.
    """
    if document.body is not None:
        return Content(document.mime, document.body, text_of(document.mime, document.body))
    view = View(document, chart, population)
    paper = paper_of(view)
    text = plain(paper)
    is_plain = document.mime == "text/plain"
    return Content(document.mime, text.encode() if is_plain else _WRITERS[document.mime](view, paper), text)
