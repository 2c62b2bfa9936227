"""Elements of a CDA document as strings, the codes and times of HL7 v3 data types."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from simulator.population.records import Code

OIDS = {
    "snomed": ("2.16.840.1.113883.6.96", "SNOMED CT"),
    "icd10cm": ("2.16.840.1.113883.6.90", "ICD-10-CM"),
    "loinc": ("2.16.840.1.113883.6.1", "LOINC"),
    "rxnorm": ("2.16.840.1.113883.6.88", "RxNorm"),
    "cvx": ("2.16.840.1.113883.12.292", "CVX"),
    "cdcrec": ("2.16.840.1.113883.6.238", "Race & Ethnicity - CDC"),
    "nubc": ("2.16.840.1.113883.6.301.5", "NUBC UB-04 FL17 Patient Status"),
    "v3-marital": ("2.16.840.1.113883.5.2", "MaritalStatus"),
}


_NEEDS_ESCAPING = re.compile(r"""[&<>"\t\n\r]""")


def element(tag: str, *children: str, **attributes: str | None) -> str:
    """An element; attributes that are None are left out, an underscore stands for a colon and a final one for none."""
    told = "".join(
        f"{_named(name)}{quoteattr(value)}" if _NEEDS_ESCAPING.search(value) else f'{_named(name)}"{value}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(children)
    return f"<{tag}{told}>{inner}</{tag}>" if inner else f"<{tag}{told}/>"


@cache
def _named(name: str) -> str:
    return f" {name.rstrip('_').replace('_', ':')}="


def text(words: str) -> str:
    """Characters as XML may hold them."""
    return escape(words)


def template(root: str, extension: str | None = None) -> str:
    """A template id; one with a version is told without it too, as C-CDA R2.1 asks for compatibility with R1.1."""
    if extension is None:
        return element("templateId", root=root)
    return element("templateId", root=root) + element("templateId", root=root, extension=extension)


def coded(tag: str, code: Code, *children: str, type_: str | None = None) -> str:
    """A coded value with the OID of its system."""
    oid, name = OIDS[code.system]
    return element(
        tag, *children, xsi_type=type_, code=code.code, displayName=code.display, codeSystem=oid, codeSystemName=name
    )


def moment(at: datetime, zone: ZoneInfo) -> str:
    """An instant as TS, on the clinic's clock with its offset."""
    return f"{at.astimezone(zone):%Y%m%d%H%M%z}"


def day(at: date) -> str:
    """A day as TS."""
    return f"{at:%Y%m%d}"


def between(low: str | None, high: str | None, tag: str = "effectiveTime", type_: str | None = None) -> str:
    """A period. An end that is not known to be is left out, a beginning that is not known is said to be unknown."""
    return element(
        tag,
        element("low", value=low) if low else element("low", nullFlavor="UNK"),
        element("high", value=high) if high else "",
        xsi_type=type_,
    )
