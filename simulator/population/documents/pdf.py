"""PDF 1.7: US letter pages in a monospaced face, text that can be searched and copied.

The same bytes on every machine: no clock, no compression (which differs between libraries), no font file. Courier is
one of the standard fourteen fonts; letters beyond Windows-1252 get a place of their own in the encoding, by glyph name,
and a ToUnicode map tells readers every character.

Source: ISO 32000-1:2008, 9.6.2.2 standard fonts, 9.6.6 character encoding, 9.10.3 ToUnicode CMaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import islice

import pydyf

from simulator.population.documents.paper import Paper
from simulator.population.documents.plain import lines_of

_WIDTH, _HEIGHT, _MARGIN = 612, 792, 54
_SIZE, _LEADING = 10, 12
_LINES = (_HEIGHT - 2 * _MARGIN) // _LEADING - 2  # the last for the number of the page
_FIRST_OWN, _LAST_OWN = 128, 159  # codes given to letters beyond Latin-1


def pdf(paper: Paper) -> bytes:
    """A document as PDF."""
    lines = list(lines_of(paper))
    codes = _codes(lines)
    document = pydyf.PDF()
    document.info["Title"] = pydyf.String(paper.title)
    document.info["Producer"] = pydyf.String("emr-sandbox")
    fonts = pydyf.Dictionary(
        {
            "F1": _font(document, "Courier", codes).reference,
            "F2": _font(document, "Courier-Bold", codes).reference,
        }
    )
    bold = {paper.title.upper(), *(section.heading.upper() for section in paper.sections)}
    pages = list(_pages(lines))
    for number, page in enumerate(pages, 1):
        stream = _stream(page, bold, codes, f"Page {number} of {len(pages)}")
        document.add_object(stream)
        document.add_page(
            pydyf.Dictionary(
                {
                    "Type": "/Page",
                    "Parent": document.pages.reference,
                    "MediaBox": pydyf.Array([0, 0, _WIDTH, _HEIGHT]),
                    "Contents": stream.reference,
                    "Resources": pydyf.Dictionary({"Font": fonts}),
                }
            )
        )
    out = BytesIO()
    document.write(out)
    return out.getvalue()


def _pages(lines: list[str]) -> Iterator[list[str]]:
    rest = iter(lines)
    while page := list(islice(rest, _LINES)):
        yield page


def _stream(page: list[str], bold: set[str], codes: dict[str, int], foot: str) -> pydyf.Stream:
    stream = pydyf.Stream()
    stream.begin_text()
    stream.set_text_matrix(1, 0, 0, 1, _MARGIN, _HEIGHT - _MARGIN - _SIZE)
    font = ""
    for line in page:
        wanted = "F2" if line in bold else "F1"
        if wanted != font:
            font = wanted
            stream.set_font_size(font, _SIZE)
        if line:
            stream.show_text_string(_encoded(line, codes))
        stream.move_text_to(0, -_LEADING)
    stream.set_text_matrix(1, 0, 0, 1, _MARGIN, _MARGIN)
    stream.set_font_size("F1", 8)
    stream.show_text_string(_encoded(foot, codes))
    stream.end_text()
    return stream


def _codes(lines: Iterable[str]) -> dict[str, int]:
    """The code of every character that is not Latin-1; a question mark when there are more than fit."""
    codes: dict[str, int] = {}
    for line in lines:
        for letter in line:
            if ord(letter) > 255 and letter not in codes:
                free = _FIRST_OWN + len(codes)
                codes[letter] = free if free <= _LAST_OWN else ord("?")
    return codes


def _encoded(line: str, codes: dict[str, int]) -> bytes:
    return bytes(codes.get(letter, ord(letter)) for letter in line)


def _font(document: pydyf.PDF, face: str, codes: dict[str, int]) -> pydyf.Dictionary:
    own = {code: letter for letter, code in codes.items() if code >= _FIRST_OWN}
    names = [f"/uni{ord(letter):04X}" for letter in own.values()]
    encoding = pydyf.Dictionary({"Type": "/Encoding", "BaseEncoding": "/WinAnsiEncoding"})
    if names:
        encoding["Differences"] = pydyf.Array([_FIRST_OWN, *names])
    characters = pydyf.Stream([_cmap(own)])
    document.add_object(characters)
    font = pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/Type1",
            "BaseFont": f"/{face}",
            "Encoding": encoding,
            "ToUnicode": characters.reference,
        }
    )
    document.add_object(font)
    return font


def _cmap(own: dict[int, str]) -> str:
    chars = "".join(f"<{code:02X}> <{letter.encode('utf-16-be').hex().upper()}>\n" for code, letter in own.items())
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<00> <FF>\nendcodespacerange\n"
        "2 beginbfrange\n<20> <7E> <0020>\n<A0> <FF> <00A0>\nendbfrange\n"
        + (f"{len(own)} beginbfchar\n{chars}endbfchar\n" if own else "")
        + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    )
