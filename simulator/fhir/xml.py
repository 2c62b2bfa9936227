"""FHIR XML from plain dicts, and back.

A primitive becomes an element with `value=`; its `_element` sibling gives `id` and `extension`. `id` is an attribute of
elements and a child of resources, `url` an attribute of extensions, a resource inside a resource stands in an element
of its type's name, a narrative `div` stays XHTML. Elements that R4 knows come in R4's order (see `elements`), others
after them as the renderer chose.

A *fragment* is a resource's XML without declaration and namespace: the form to keep in a cache, fit for a bundle.

Source: FHIR R4 xml.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import zip_longest
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from simulator.fhir import build, bundle
from simulator.fhir.elements import Elements, elements, elements_of_resource

NAMESPACE = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
_IN_ATTRIBUTE = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER = {"n": re.compile(r"[-+]?[0-9]{1,20}"), "d": re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")}

Link = tuple[str, str]


def to_xml(resource: Mapping[str, Any]) -> bytes:
    """The resource as a FHIR XML document in UTF-8, without white space between elements."""
    return document(fragment(resource))


def fragment(resource: Mapping[str, Any], known: Elements | None = None) -> bytes:
    """The resource as XML without declaration and namespace; `known` are its elements when it is not one of R4."""
    out: list[str] = []
    _write_resource(resource, out, known)
    return "".join(out).encode()


def document(fragment: bytes) -> bytes:
    """The document whose root is `fragment`."""
    name_end = min(at for at in (fragment.find(b">"), fragment.find(b"/")) if at > 0)
    return _DECLARATION + fragment[:name_end] + f' xmlns="{NAMESPACE}"'.encode() + fragment[name_end:]


def entry(
    full_url: str | None,
    resource: bytes,
    mode: str | None = "match",
    *,
    links: Iterable[Link] = (),
    score: str = "",
    grade: str = "",
) -> bytes:
    """One entry of a searchset, `resource` a fragment; the XML twin of `bundle.entry`."""
    url = f"<fullUrl{_value(full_url)}/>" if full_url else ""
    graded = f'<extension url="{bundle.GRADE}"><valueCode{_value(grade)}/></extension>' if grade else ""
    scored = f"<score{_value(score)}/>" if score else ""
    search = f"<search>{graded}<mode{_value(mode)}/>{scored}</search>" if mode else ""
    head, tail = f"<entry>{_links(links)}{url}<resource>", f"</resource>{search}</entry>"
    return head.encode() + resource + tail.encode()


def searchset(
    *,
    entries: Iterable[bytes],
    links: Iterable[Link] = (),
    id: str | None = None,
    total: int | None = None,
    type: str = "searchset",
    meta: Mapping[str, Any] | None = None,
    timestamp: str | None = None,
) -> bytes:
    """A Bundle document of ready entries (see `entry`); the XML twin of `bundle.searchset`."""
    head = {"resourceType": "Bundle", "id": id, "meta": meta, "type": type, "timestamp": timestamp, "total": total}
    shell = fragment({name: value for name, value in head.items() if value is not None})
    inside = shell.removesuffix(b"</Bundle>") + _links(links).encode() + b"".join(entries)
    return document(inside + b"</Bundle>")


def _links(links: Iterable[Link]) -> str:
    return "".join(f"<link><relation{_value(rel)}/><url{_value(url)}/></link>" for rel, url in links)


def _write_resource(resource: Mapping[str, Any], out: list[str], known: Elements | None = None) -> None:
    name = resource["resourceType"]
    out.append(f"<{name}>")
    _write_members(known or elements_of_resource(name), resource, out, besides=("resourceType",))
    out.append(f"</{name}>")


def _write_members(known: Elements, owner: Mapping[str, Any], out: list[str], besides: tuple[str, ...]) -> None:
    names = dict.fromkeys(name.removeprefix("_") for name in owner if name not in besides)
    for name in sorted(names, key=lambda one: known.find(one).place):
        kind = known.find(name).type
        value, sibling = owner.get(name), owner.get("_" + name)
        if not isinstance(value, list) and not isinstance(sibling, list):
            _write_element(name, kind, value, sibling, out)
        else:
            for one, beside in zip_longest(value or (), sibling or ()):
                _write_element(name, kind, one, beside, out)


def _write_element(name: str, kind: str, value: Any, sibling: Mapping[str, Any] | None, out: list[str]) -> None:
    if isinstance(value, Mapping):
        if "resourceType" in value:
            out.append(f"<{name}>")
            _write_resource(value, out)
        elif kind == "Extension":
            out.append(f"<{name}{_attribute(value, 'id')}{_attribute(value, 'url')}>")
            _write_members(elements(kind), value, out, besides=("id", "url"))
        else:
            out.append(f"<{name}{_attribute(value, 'id')}>")
            _write_members(elements(kind), value, out, besides=("id",))
        out.append(f"</{name}>")
    elif name == "div" and isinstance(value, str):
        out.append(value)
    elif value is not None or sibling:
        attributes = ("" if value is None else _value(value)) + (_attribute(sibling, "id") if sibling else "")
        if sibling and len(sibling) > ("id" in sibling):
            out.append(f"<{name}{attributes}>")
            _write_members(elements(""), sibling, out, besides=("id",))
            out.append(f"</{name}>")
        else:
            out.append(f"<{name}{attributes}/>")


def _attribute(owner: Mapping[str, Any], name: str) -> str:
    return f' {name}="{_escaped(owner[name])}"' if name in owner else ""


def _value(value: Any) -> str:
    if isinstance(value, str):
        return f' value="{_escaped(value)}"'
    if isinstance(value, bool):
        return ' value="true"' if value else ' value="false"'
    return f' value="{build.plain(value) if isinstance(value, Decimal) else value}"'


def _escaped(text: str) -> str:
    if not text.isprintable():  # XML 1.0 has no form at all for most control characters
        text = _NOT_XML.sub("\ufffd", text)
    return escape(text, _IN_ATTRIBUTE)


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("FHIR XML has no DOCTYPE")


def from_xml(document: bytes) -> dict[str, Any]:
    """The resource that a FHIR XML document tells, decimals as Decimal.

    What the element table does not know is guessed: a list when it repeats, a string when it has a value.

    Raises:
        ValueError: not well-formed, not of the FHIR namespace, or with a document type declaration.
    """
    try:
        root = ElementTree.fromstring(document, ElementTree.XMLParser(target=_NoDoctype()))
    except ElementTree.ParseError as error:
        raise ValueError(f"not well-formed: {error}") from None
    return _read_resource(root)


def _read_resource(node: ElementTree.Element) -> dict[str, Any]:
    name = _local(node)
    return {"resourceType": name, **_read_members(elements_of_resource(name), node)}


def _read_members(known: Elements, node: ElementTree.Element) -> dict[str, Any]:
    grouped: dict[str, list[ElementTree.Element]] = {}
    for child in node:
        grouped.setdefault("div" if child.tag == f"{{{XHTML}}}div" else _local(child), []).append(child)
    members: dict[str, Any] = {name: node.attrib[name] for name in ("id", "url") if name in node.attrib}
    for name, nodes in grouped.items():
        element = known.find(name)
        pairs = [_read_element(element.type, one) for one in nodes]
        if element.repeats or len(pairs) > 1:
            if any(value is not None for value, _ in pairs):
                members[name] = [value for value, _ in pairs]
            if any(beside for _, beside in pairs):
                members["_" + name] = [beside for _, beside in pairs]
        else:
            value, beside = pairs[0]
            if value is not None:
                members[name] = value
            if beside:
                members["_" + name] = beside
    return members


def _read_element(kind: str, node: ElementTree.Element) -> tuple[Any, dict[str, Any] | None]:
    """The (value, sibling) of one element; complex elements have no sibling."""
    if node.tag == f"{{{XHTML}}}div":
        return _xhtml(node, outermost=True), None
    if len(node) == 1 and _local(node[0])[0].isupper():
        return _read_resource(node[0]), None
    text = node.get("value")
    if kind in ("", "b", "n", "d") and (text is not None or all(_local(one) == "extension" for one in node)):
        return _typed(kind, text), _read_members(elements(""), node) or None
    return _read_members(elements(kind), node), None


def _typed(kind: str, text: str | None) -> Any:
    if text is None or kind == "":
        return text
    if kind == "b":
        if text not in ("true", "false"):
            raise ValueError(f"not a boolean: {text}")
        return text == "true"
    if not _NUMBER[kind].fullmatch(text):
        raise ValueError(f"not a number of this kind: {text}")
    return int(text) if kind == "n" else Decimal(text)


def _local(node: ElementTree.Element) -> str:
    space, _, name = node.tag.rpartition("}")
    if space != "{" + NAMESPACE:
        raise ValueError(f"<{name}> is not of the namespace {NAMESPACE}")
    return name


def _xhtml(node: ElementTree.Element, *, outermost: bool = False) -> str:
    name = node.tag.rpartition("}")[2]
    space = f' xmlns="{XHTML}"' if outermost else ""
    attributes = "".join(f' {key}="{_escaped(value)}"' for key, value in node.attrib.items())
    inside = escape(node.text or "") + "".join(_xhtml(one) + escape(one.tail or "") for one in node)
    return f"<{name}{space}{attributes}>{inside}</{name}>" if inside else f"<{name}{space}{attributes}/>"
