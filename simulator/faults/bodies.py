"""The inside of a body, as far as faults must know it: entries, next link and resources, in JSON and in FHIR's XML.

A `Page` is a list as a vendor sends it: a FHIR bundle in either format, a plain list, an envelope around one. Faults
change its `entries` in place, or its next link, and get the body back in the format that it had.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import orjson

from simulator.exchange import Headers, Reply

_FHIR = "{http://hl7.org/fhir}"
_BEFORE_TOTAL = frozenset(_FHIR + name for name in ("id", "meta", "identifier", "type", "timestamp"))
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
ElementTree.register_namespace("", "http://hl7.org/fhir")  # else every element is written with a prefix


class Page(ABC):
    """A list inside a body. `entries` may be changed in place."""

    entries: list[Any]

    @property
    def has_whole_links(self) -> bool:
        """Whether its links are whole URLs; else they are paths below the vendor's prefix."""
        return True

    @property
    @abstractmethod
    def next(self) -> str | None:
        """Where the next page is, None after the last."""

    @abstractmethod
    def lead_to(self, url: str) -> None:
        """Say that the next page is at `url`; whether or not there was one."""

    @abstractmethod
    def state_total(self, total: int | None) -> None:
        """Say that the list holds `total` entries; None: say nothing of it."""

    @abstractmethod
    def id_of(self, entry: Any) -> str:
        """The id of an entry; empty when it has none."""

    @abstractmethod
    def is_match(self, entry: Any) -> bool:
        """Whether an entry is a result, not something included or said beside the results."""

    @abstractmethod
    def into(self, reply: Reply) -> Reply:
        """The reply with this page in it."""

    def again(self, entry: Any) -> Any:
        """A copy of an entry."""
        return copy.deepcopy(entry)


class JsonPage(Page):
    """A list in JSON: a bundle's entries, the first list of an envelope, or the list itself."""

    def __init__(self, value: Any, entries: list[Any]) -> None:
        self._value = value
        self.entries = entries

    @property
    def has_whole_links(self) -> bool:
        return not isinstance(self._value, dict) or self._value.get("resourceType") == "Bundle"

    @property
    def next(self) -> str | None:
        if not isinstance(self._value, dict):
            return None
        for link in self._value.get("link") or ():
            if link.get("relation") == "next":
                return str(link["url"])
        found = self._value.get("next")
        return found if isinstance(found, str) else None

    def lead_to(self, url: str) -> None:
        if not isinstance(self._value, dict):
            return
        if self._value.get("resourceType") != "Bundle":
            self._value["next"] = url
            return
        links = [link for link in self._value.get("link") or () if link.get("relation") != "next"]
        self._value["link"] = [*links, {"relation": "next", "url": url}]

    def state_total(self, total: int | None) -> None:
        if not isinstance(self._value, dict):
            return
        name = "total" if self._value.get("resourceType") == "Bundle" else "totalcount"
        self._value.pop(name, None)
        if total is not None:
            self._value[name] = total

    def id_of(self, entry: Any) -> str:
        if not isinstance(entry, dict):
            return ""
        resource = entry.get("resource", entry)
        if not isinstance(resource, dict):
            return ""
        if "id" in resource:
            return str(resource["id"])
        return next((str(value) for name, value in resource.items() if name.endswith("id")), "")

    def is_match(self, entry: Any) -> bool:
        search = entry.get("search") if isinstance(entry, dict) else None
        return not isinstance(search, dict) or search.get("mode", "match") == "match"

    def into(self, reply: Reply) -> Reply:
        return with_json(reply, self._value)


class XmlPage(Page):
    """A bundle in XML."""

    def __init__(self, bundle: Element) -> None:
        self._bundle = bundle
        self.entries = bundle.findall(f"{_FHIR}entry")

    @property
    def next(self) -> str | None:
        link = self._next_link()
        return None if link is None else _value(link, "url")

    def _next_link(self) -> Element | None:
        links = self._bundle.findall(f"{_FHIR}link")
        return next((one for one in links if _value(one, "relation") == "next"), None)

    def lead_to(self, url: str) -> None:
        link = self._next_link()
        if link is None:
            link = Element(f"{_FHIR}link")
            ElementTree.SubElement(link, f"{_FHIR}relation", value="next")
            ElementTree.SubElement(link, f"{_FHIR}url", value=url)
            last = len(self._bundle.findall(f"{_FHIR}link"))
            places = [place for place, one in enumerate(self._bundle) if one.tag == f"{_FHIR}link"]
            self._bundle.insert(places[-1] + 1 if last else 0, link)
            return
        for one in link.findall(f"{_FHIR}url"):
            one.set("value", url)

    def state_total(self, total: int | None) -> None:
        for one in self._bundle.findall(f"{_FHIR}total"):
            self._bundle.remove(one)
        if total is not None:  # its place is behind the type, or the time that follows it
            before = [place for place, one in enumerate(self._bundle) if one.tag in _BEFORE_TOTAL]
            self._bundle.insert(before[-1] + 1 if before else 0, Element(f"{_FHIR}total", value=str(total)))

    def id_of(self, entry: Any) -> str:
        found = entry.find(f"{_FHIR}resource/*/{_FHIR}id")
        return "" if found is None else str(found.get("value", ""))

    def is_match(self, entry: Any) -> bool:
        mode = entry.find(f"{_FHIR}search/{_FHIR}mode")
        return mode is None or mode.get("value") == "match"

    def into(self, reply: Reply) -> Reply:
        for one in self._bundle.findall(f"{_FHIR}entry"):
            self._bundle.remove(one)
        self._bundle.extend(self.entries)
        return with_xml(reply, self._bundle)


def page_of(reply: Reply) -> Page | None:
    """The list in the body of a success; None when there is none."""
    root = xml_of(reply)
    if root is not None:
        return XmlPage(root) if root.tag == f"{_FHIR}Bundle" else None
    value = json_of(reply)
    entries = _entries_of(value)
    return None if entries is None else JsonPage(value, entries)


def _entries_of(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    if value.get("resourceType") == "Bundle":
        found = value.get("entry")
        return found if isinstance(found, list) else None
    if "resourceType" in value:
        return None
    return next((one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)), None)


def json_of(reply: Reply) -> Any | None:
    """The value of a JSON body of a success; None when it is none."""
    if not 200 <= reply.status < 300 or not reply.body:
        return None
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def with_json(reply: Reply, value: Any) -> Reply:
    """The reply with another value in it, written as the vendor writes (escaped slashes stay escaped)."""
    body = orjson.dumps(value)
    if b"\\/" in reply.body:
        body = body.replace(b"/", b"\\/")
    return Reply(reply.status, body, list(reply.headers), reply.simulated, reply.served)


def xml_of(reply: Reply) -> Element | None:
    """The root of a FHIR document in the body of a success; None when it is none. What is read here we have written."""
    if not 200 <= reply.status < 300 or not reply.body.startswith(b"<?xml"):
        return None
    try:
        root = ElementTree.fromstring(reply.body)
    except ElementTree.ParseError:
        return None
    return root if root.tag.startswith(_FHIR) else None


def with_xml(reply: Reply, root: Element) -> Reply:
    """The reply with another document in it."""
    body = _DECLARATION + ElementTree.tostring(root, encoding="utf-8")
    return Reply(reply.status, body, list(reply.headers), reply.simulated, reply.served)


def resources_in(root: Element) -> list[Element]:
    """The resources of a FHIR document: itself, or those of a bundle."""
    if root.tag != f"{_FHIR}Bundle":
        return [root]
    return root.findall(f"{_FHIR}entry/{_FHIR}resource/*")


def resources_of(value: Any) -> list[dict[str, Any]]:
    """The FHIR resources of a JSON value: itself, or those of a bundle; none when it is no FHIR."""
    if not isinstance(value, dict) or "resourceType" not in value:
        return []
    if value["resourceType"] != "Bundle":
        return [value]
    return [entry["resource"] for entry in value.get("entry") or () if "resource" in entry]


def rows_of(value: Any) -> list[dict[str, Any]]:
    """The objects of a JSON value that is no FHIR: those of its lists, else itself."""
    if isinstance(value, list):
        return [one for one in value if isinstance(one, dict)]
    if not isinstance(value, dict):
        return []
    listed = [one for several in value.values() if isinstance(several, list) for one in several]
    return [one for one in listed if isinstance(one, dict)] or [value]


def fhir_name(name: str) -> str:
    """The name of an element in a parsed FHIR document."""
    return _FHIR + name


def _value(parent: Element, name: str) -> str | None:
    found = parent.find(f"{_FHIR}{name}")
    return None if found is None else found.get("value")


def without(headers: Headers, *names: bytes) -> Headers:
    """The headers but these."""
    return [pair for pair in headers if pair[0] not in names]
