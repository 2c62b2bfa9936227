"""What a caller accepts: JSON, and of the bytes of documents whatever they are."""

from __future__ import annotations

from simulator.exchange import Exchange
from simulator.refusal import Refusal

_JSON = frozenset(
    {"application/fhir+json", "application/json", "application/json+fhir", "json", "*/*", "application/*"}
)
_FORMATS = frozenset(
    {"json", "application/json", "application/fhir+json", "application/json+fhir", "application/fhir json"}
)
_RESOURCE = frozenset({"application/fhir+json", "application/json+fhir"})
_ANYTHING = frozenset({"*/*", "application/*"})


def check_accepted(x: Exchange) -> None:
    """Refuses whoever wants anything but JSON."""
    accept = x.header("accept")
    if accept is not None:
        wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
        if not any(one in _JSON or not one for one in wanted):
            raise Refusal("unsupported", f"Accept: {accept}", reason="accept")
    asked = x.param("_format") if "_format" in x.query else None
    if asked is not None and asked.partition(";")[0].strip().lower() not in _FORMATS:
        raise Refusal("unsupported", f"_format={asked}", reason="format")


def wants_resource(x: Exchange) -> bool:
    """Whether the caller of a Binary wants it as a FHIR resource, not as the bytes that it holds.

    Raises:
        Refusal: unsupported, for `application/json`, which no document is.
    """
    asked = x.param("_format") if "_format" in x.query else None
    if asked is not None and asked.partition(";")[0].strip().lower() in _FORMATS:
        return True
    wanted = {part.partition(";")[0].strip().lower() for part in (x.header("accept") or "").split(",")}
    if wanted & _RESOURCE:
        return True
    if "application/json" in wanted and not wanted & _ANYTHING:
        raise Refusal("unsupported", "Accept: application/json for a document", reason="accept")
    return False
