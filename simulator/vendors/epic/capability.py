"""What Epic says of itself: the CapabilityStatement, the SMART configuration, the keys that sign its tokens.

Every type is listed that Epic has, whether the site has a licence for it or not (see `licences`). Of what is done with
them only what this mock answers is promised.

Source: SOURCES.md, "Doors" (CS: the statement; FLEET: the configuration; `issuer`, `jwks_uri`: guess).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from simulator import drift
from simulator.auth import mtls
from simulator.auth.keyring import jwks
from simulator.exchange import Exchange, Reply, json_reply
from simulator.fhir import build, capability
from simulator.fhir.capability import ResourceType, SearchParam
from simulator.fhir.openapi import document
from simulator.sandbox import Site
from simulator.vendors.epic import auth, dynamic, licences, manner, media, paths, smart
from simulator.vendors.epic.params import COMMON, INTERACTIONS, PARAMS, WRITES

_PROFILED = {
    "AllergyIntolerance": ("allergyintolerance",),
    "CarePlan": ("careplan",),
    "CareTeam": ("careteam",),
    "Condition": ("condition-encounter-diagnosis", "condition-problems-health-concerns"),
    "Coverage": ("coverage",),
    "Device": ("implantable-device",),
    "DiagnosticReport": ("diagnosticreport-lab", "diagnosticreport-note"),
    "DocumentReference": ("documentreference",),
    "Encounter": ("encounter",),
    "Goal": ("goal",),
    "Immunization": ("immunization",),
    "Medication": ("medication",),
    "MedicationRequest": ("medicationrequest",),
    "Observation": ("blood-pressure", "bmi", "body-height", "body-temperature", "body-weight", "head-circumference",
                    "heart-rate", "observation-lab", "observation-screening-assessment", "pulse-oximetry",
                    "respiratory-rate", "smokingstatus", "vital-signs"),
    "Organization": ("organization",),
    "Patient": ("patient",),
    "Practitioner": ("practitioner",),
    "PractitionerRole": ("practitionerrole",),
    "Procedure": ("procedure",),
    "Provenance": ("provenance",),
    "RelatedPerson": ("relatedperson",),
    "ServiceRequest": ("servicerequest",),
    "Specimen": ("specimen",),
}  # fmt: skip
"""The profiles of US Core 6.1.0 that what is told follows, in the order of Epic's own list."""
_CODES = {"c": "create", "r": "read", "s": "search-type", "u": "update"}
_NOT_DONE = {
    "readHistory": False,
    "updateCreate": False,
    "conditionalCreate": False,
    "conditionalRead": "not-supported",
    "conditionalUpdate": False,
    "conditionalDelete": "not-supported",
}
_OPERATIONS = {
    "Group": {
        "operation": [
            {"name": "group-export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export"}
        ],
    },
    "Patient": {
        "operation": [
            {"name": "match", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-match"},
            {"name": "summary", "definition": "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"},
        ],
    },
}
_DOCS = {
    "_count": "How many results a page has.",
    "_id": "IDs of the resources wanted. Goes with _count and _include; every other parameter is then ignored.",
    "identifier": "An identifier as system|value; for patients also as type|value, or the value alone.",
    "patient": "The patient whose resources are wanted.",
    "subject": "The same as patient; if both are given they must name the same one.",
}


def metadata(x: Exchange) -> Reply:
    """The CapabilityStatement; XML unless JSON is asked for."""
    made = capability.statement(
        types=[_type(name) for name in sorted(INTERACTIONS)],
        date=build.instant(x.at),
        url=x.base_url + paths.FHIR,
        description=f"{x.site.settings['organization']} FHIR server",
        software={"name": "Epic", "version": "February 2026", "releaseDate": "2026-02-09"},
        formats=("xml", "json"),
        rest_extra={"security": _security(x)},
        extra={
            "experimental": True,
            "copyright": "This is a mock; Epic is a trademark of Epic Systems Corporation",
            "instantiates": [
                "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data",
                "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server|6.1.0",
            ],
        },
    )
    made["fhirVersion"] = x.site.settings["fhir_version"]
    if not x.site.settings["smart_block"]:
        del made["rest"][0]["security"]
    return media.fhir_reply(x, 200, drift.told(x.site, made))


def openapi(site: Site, base_url: str) -> dict[str, Any]:
    """The OpenAPI document of what the site has a licence for."""
    types = [_type(name) for name in licences.held(site)]
    return document(
        f"{site.settings['organization']}: Epic, FHIR R4", "4.0.1", base_url + paths.FHIR, types, ("/Patient/$match",)
    )


def _type(name: str) -> ResourceType:
    return ResourceType(
        name,
        _interactions(name),
        params=tuple(_params(name)),
        supported_profiles=tuple(
            f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{profile}|6.1.0"
            for profile in _PROFILED.get(name, ())
        ),
        include=("*",) if "s" in INTERACTIONS[name] else (),
        revinclude=("Provenance:target",) if "s" in INTERACTIONS[name] else (),
        extra=_NOT_DONE | _OPERATIONS.get(name, {}),
    )


def _interactions(name: str) -> tuple[str, ...]:
    """What this mock does of it, in the order and words of Epic's statement."""
    letters = WRITES.get(name, "") + "".join(letter for letter in INTERACTIONS[name] if letter in "rs")
    return tuple(code for letter, code in _CODES.items() if letter in letters)


def _params(name: str) -> list[SearchParam]:
    """First-class parameters with a word of documentation, `_count`, `_id`, then the undocumented ones; none for what
    is read only."""
    if "s" not in INTERACTIONS[name]:
        return []
    first, later = PARAMS[name]
    listed = [SearchParam(one, kind, _DOCS.get(one, f"Narrows the search by {one}.")) for one, kind in first.items()]
    listed += [SearchParam(one, "number" if one == "_count" else "token", _DOCS[one]) for one in COMMON]
    return listed + [SearchParam(one, kind) for one, kind in later.items()]


def _security(x: Exchange) -> dict[str, Any]:
    doors = {"token": paths.TOKEN, "authorize": paths.AUTHORIZE, "introspect": paths.INTROSPECT}
    named = x.site.clients.get(x.header("epic-client-id") or "")
    if named is not None and named.dynamic and dynamic.is_on(x):
        doors["register"] = paths.REGISTER
    uris = capability.security(oauth_uris={name: paths.oauth_url(x, path) for name, path in doors.items()}, cors=True)
    services = []
    for code in ("OAuth", "SMART-on-FHIR", "Basic"):
        coding = {"system": build.SYSTEMS["smart-service"], "code": code, "display": code}
        services.append({"coding": [coding], "text": code})
    return {**uris, "service": services}


def smart_configuration(x: Exchange) -> Reply:
    """`.well-known/smart-configuration`; JSON whatever is asked for."""
    made = {
        "issuer": paths.oauth_url(x, paths.OAUTH),
        "jwks_uri": x.base_url + paths.KEYS,
        "authorization_endpoint": paths.oauth_url(x, paths.AUTHORIZE),
        "token_endpoint": paths.oauth_url(x, paths.TOKEN),
        "introspection_endpoint": paths.oauth_url(x, paths.INTROSPECT),
        **mtls.promised(x, ("client_secret_basic", "client_secret_post", "private_key_jwt")),
        **({"registration_endpoint": paths.oauth_url(x, paths.REGISTER)} if dynamic.is_on(x) else {}),
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "ES384", *sorted(auth.RULES.algs)],
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            *([dynamic.GRANT] if dynamic.is_on(x) else []),
        ],
        "response_types_supported": ["code"],
        "scopes_supported": [*manner.SPECIAL, *(f"{who}/{type}.{verb}" for who, type, verb in _scopes(x.site))],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": CAPABILITIES,
    }
    return json_reply(200, made, "application/json; charset=utf-8")


def _scopes(site: Site) -> Iterator[tuple[str, str, str]]:
    yield from product(("patient", "system", "user"), licences.held(site), ("read", "rs"))
    yield from product(("patient", "system", "user"), WRITES, ("write",))


CAPABILITIES = [
    "authorize-post", "client-confidential-asymmetric", "client-confidential-symmetric", "client-public",
    "context-banner", "context-ehr-encounter", "context-ehr-patient", "context-standalone-patient", "context-style",
    "launch-ehr", "launch-standalone", "permission-offline", "permission-patient", "permission-user", "permission-v1",
    "permission-v2", "sso-openid-connect",
]  # fmt: skip
"""As 551 production sites list them (seen); each has a test."""


def keys(x: Exchange) -> Reply:
    """The public keys that verify access tokens and id_tokens."""
    made = jwks(*x.site.signing.published(x.at, auth.SERVER_KEY, smart.ID_KEY))
    return json_reply(200, made, "application/json; charset=utf-8")
