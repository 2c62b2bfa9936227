"""The CapabilityStatement, built from a table of what a room serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

FHIR_VERSION = "4.0.1"
OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


@dataclass(frozen=True, slots=True)
class SearchParam:
    """One search parameter: `type` is date, number, quantity, reference, string, token, uri, special."""

    name: str
    type: str
    doc: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """What a room does with one type. `interactions` are read, vread, search-type, create, update, patch, delete, …;
    `extra` are further members of `rest.resource`, as they shall stand."""

    type: str
    interactions: tuple[str, ...]
    params: tuple[SearchParam, ...] = ()
    profile: str = ""
    supported_profiles: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    revinclude: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The member of `rest.resource`."""
        made: dict[str, Any] = {"type": self.type}
        if self.profile:
            made["profile"] = self.profile
        if self.supported_profiles:
            made["supportedProfile"] = list(self.supported_profiles)
        made["interaction"] = [{"code": code} for code in self.interactions]
        made |= self.extra
        if self.include:
            made["searchInclude"] = list(self.include)
        if self.revinclude:
            made["searchRevInclude"] = list(self.revinclude)
        if self.params:
            made["searchParam"] = [_search_param(param) for param in self.params]
        return made


def _search_param(param: SearchParam) -> dict[str, Any]:
    made = {"name": param.name}
    if param.definition:
        made["definition"] = param.definition
    made["type"] = param.type
    if param.doc:
        made["documentation"] = param.doc
    return made


def security(
    *, service: Mapping[str, Any] | None = None, oauth_uris: Mapping[str, str] | None = None, cors: bool | None = None
) -> dict[str, Any]:
    """`rest.security`: the `oauth-uris` extension with absolute URLs by name (token, …), `cors`, `service`."""
    made: dict[str, Any] = {}
    if oauth_uris:
        nested = [{"url": name, "valueUri": url} for name, url in oauth_uris.items()]
        made["extension"] = [{"url": OAUTH_URIS, "extension": nested}]
    if cors is not None:
        made["cors"] = cors
    if service is not None:
        made["service"] = [dict(service)]
    return made


def statement(
    *,
    types: Iterable[ResourceType],
    date: str,
    url: str | None = None,
    software: Mapping[str, Any] | None = None,
    security: Mapping[str, Any] | None = None,
    formats: Iterable[str] = ("json",),
    kind: str = "instance",
    status: str = "active",
    fhir_version: str = FHIR_VERSION,
    description: str | None = None,
    rest_extra: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A CapabilityStatement of `types`, in this order.

    `url` and `description` become `implementation`; `software` holds name, version, releaseDate; `security` is ready
    (see `security`). `rest_extra` and `extra` are members of `rest[0]` and of the statement (id, name, title,
    publisher, instantiates, …) as they shall stand; they win over what is built here.
    """
    rest: dict[str, Any] = {"mode": "server"}
    if security:
        rest["security"] = dict(security)
    rest["resource"] = [one.as_dict() for one in types]
    rest |= rest_extra or {}
    made: dict[str, Any] = {"resourceType": "CapabilityStatement", "status": status, "date": date, "kind": kind}
    if software:
        made["software"] = dict(software)
    if url or description:
        made["implementation"] = {"description": description or "FHIR R4 server"} | ({"url": url} if url else {})
    made |= {"fhirVersion": fhir_version, "format": list(formats), "rest": [rest]}
    return made | dict(extra or {})
