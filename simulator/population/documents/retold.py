"""A text that somebody put in, in another format: what is read in it is the same, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser

from simulator.population.documents.rtf import escaped

_BLOCKS = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "header", "footer", "li", "p", "section", "table",
                     "td", "th", "tr", "ul", "ol"})  # fmt: skip
_SILENT = frozenset({"head", "script", "style"})


def text_of(mime: str, data: bytes) -> str:
    """What a reader reads in plain text, HTML or RTF; empty for every other format."""
    text = data.decode("utf-8", "replace")
    if mime == "text/html":
        return _lines(_Reader.read(text))
    if mime == "text/rtf":
        return _lines("".join(_words_of_rtf(text)))
    return text if mime.startswith("text/") else ""


def retold(text: str, mime: str) -> bytes:
    """`text` as plain text, HTML or RTF.

    Raises:
        KeyError: another format.
    """
    lines = text.splitlines()
    made = {
        "text/plain": lambda: text,
        "text/html": lambda: (
            "<html><body>\n" + "".join(f"<p>{escape(line)}</p>\n" for line in lines) + "</body></html>"
        ),
        "text/rtf": lambda: "{\\rtf1\\ansi\\uc1\r\n" + "".join(f"{escaped(line)}\\par\r\n" for line in lines) + "}",
    }
    return made[mime]().encode()


def _lines(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    """Collects what is read on a page: blocks begin a line."""

    def __init__(self) -> None:
        super().__init__()
        self._told: list[str] = []
        self._silent = 0

    @classmethod
    def read(cls, page: str) -> str:
        made = cls()
        made.feed(page)
        made.close()
        return "".join(made._told)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self._told.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag in _BLOCKS:
            self._told.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._told.append(data)


_RTF = re.compile(r"\\'([0-9a-fA-F]{2})|\\([a-z]+)(-?\d{1,7})? ?|\\([^a-z])|([{}])|([^\\{}]+)")
_LISTS = frozenset({"colortbl", "fonttbl", "info", "pict", "stylesheet"})  # groups that nobody reads
_SPACES = {"par": "\n", "line": "\n", "row": "\n", "tab": "\t", "cell": "\t", "bullet": "\u2022"}


def _words_of_rtf(text: str) -> Iterator[str]:
    depth, silent_from, left_out = 0, 0, 0
    for byte, word, number, sign, brace, plain in _RTF.findall(text):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        silent_from = 0 if depth < silent_from else silent_from
        if not silent_from and (word in _LISTS or sign == "*"):
            silent_from = depth
        if silent_from:
            continue
        if word == "u" and number:
            left_out = 1  # behind it stands what is shown to readers who know no Unicode
            yield chr(int(number) % 65_536)
        elif byte or plain or sign in ("\\", "{", "}", "~"):
            told = (
                bytes.fromhex(byte).decode("cp1252", "replace") if byte else "\u00a0" if sign == "~" else sign or plain
            )
            told = told if byte or sign else told.replace("\r", "").replace("\n", "")
            yield told[left_out:]
            left_out = max(0, left_out - len(told))
        elif word in _SPACES:
            yield _SPACES[word]
