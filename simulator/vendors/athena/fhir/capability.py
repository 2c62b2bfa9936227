"""`/fhir/r4/metadata` and the SMART configuration: open to everybody, and a date that never moves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import orjson

from simulator import drift
from simulator.exchange import Exchange, Reply
from simulator.fhir import build
from simulator.fhir.capability import ResourceType, SearchParam, security, statement
from simulator.vendors.athena import smart
from simulator.vendors.athena.auth import TYPES
from simulator.vendors.athena.fhir import definitions, shape
from simulator.vendors.athena.fhir.rules import RULES
from simulator.vendors.athena.manner import SPECIAL

DATE = "2022-06-06"
_MEDIA = "application/fhir+json"
_REQUIRED = shape.EXTENSION + "ah-search-parameter-metadata"
_WITH_ONE_WAY = frozenset({"AllergyIntolerance", "Location", "Medication", "Organization"})
_WITHOUT_PROFILE = frozenset({"Appointment"})
_SAYS = {
    "_count": "How many resources a page holds",
    "_lastUpdated": "The day of the last change (YYYY-MM-DD), beside another combination of parameters",
    "ah-practice": "The practice in which to search",
    "cursor": "The first resource of the page",
}
_FORMATS = ("json", "application/json", "application/json+fhir", "application/fhir+json")


def metadata(x: Exchange) -> Reply:
    """The CapabilityStatement: what answers here, with the required parameters in an extension of athena's own."""
    key = ("metadata", x.base_url)
    body = x.site.cache.get(key) or x.site.cache.put(key, build.dumps(drift.told(x.site, _statement(x.base_url))))
    return Reply(200, body, [(b"content-type", _MEDIA.encode())])


def _statement(base_url: str) -> dict[str, Any]:
    oauth = {name: f"{base_url}/oauth2/v1/{name}" for name in ("authorize", "token", "introspect", "revoke")}
    return statement(
        types=[_type(name) for name in RULES],
        date=DATE,
        url=f"{base_url}/fhir/r4",
        description="athenahealth R4 FHIR Server",
        software={"name": "athenahealth FHIR Server"},
        security=security(
            service=build.simple("smart-service", "SMART-on-FHIR", "", "OAuth2 using SMART on FHIR"),
            oauth_uris=oauth,
            cors=True,
        ),
        formats=_FORMATS,
        extra={
            "id": "ah-r4-base",
            "version": "2.0.0",
            "name": "athenahealth_FHIR_R4_CapabilityStatement",
            "title": "athenahealth FHIR R4 CapabilityStatement",
            "publisher": "athenahealth",
            "experimental": False,
            "url": definitions.CANONICAL,
            "instantiates": list(definitions.INSTANTIATES),
            "implementationGuide": list(definitions.GUIDES),
        },
        rest_extra={"searchParam": [_EVERYWHERE]},
    )


def _type(name: str) -> ResourceType:
    rule = RULES[name]
    profile = "" if name in _WITHOUT_PROFILE else f"{shape.EXTENSION}ah-{name.lower()}"
    if not rule.any_of:
        return ResourceType(name, ("read",), profile=profile)
    word = "requiredSearchParams" if name in _WITH_ONE_WAY else "requiredAnySearchParams"
    required = [build.extension(word, valueString=", ".join(combination)) for combination in rule.any_of]
    params = [_parameter(name, param, kind) for param, kind in rule.params.items() if param != "_include"]
    return ResourceType(
        name,
        ("read", "search-type"),
        tuple(params),
        profile=profile,
        supported_profiles=definitions.profiles(name),
        include=rule.include,
        extra={"extension": [build.extension(_REQUIRED, extension=required)]},
    )


def _parameter(type: str, name: str, kind: str) -> SearchParam:
    return SearchParam(name, kind, _SAYS.get(name, ""), definitions.parameter(type, name))


_EVERYWHERE = {
    "name": "ah-practice",
    "definition": definitions.parameter("", "ah-practice"),
    "type": "reference",
    "documentation": _SAYS["ah-practice"],
}


def smart_configuration(x: Exchange) -> Reply:
    """The SMART configuration. The issuer is the identity provider's; refresh tokens are given, not listed (seen)."""
    root = f"{x.base_url}/oauth2/v1"
    methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]
    told = {
        "issuer": smart.issuer(x),
        "jwks_uri": f"{root}/keys",
        "authorization_endpoint": f"{root}/authorize",
        "token_endpoint": f"{root}/token",
        "introspection_endpoint": f"{root}/introspect",
        "revocation_endpoint": f"{root}/revoke",
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_methods": methods,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "RS384", "ES256", "ES384"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "response_types_supported": ["code"],
        "scopes_supported": [*SPECIAL, *(f"{who}/{type}.{verb}" for who, type, verb in _scopes())],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": CAPABILITIES,
    }
    return Reply(200, orjson.dumps(told), [(b"content-type", b"application/json")])


def _scopes() -> Iterator[tuple[str, str, str]]:
    return product(("patient", "system", "user"), TYPES, ("read", "rs"))


CAPABILITIES = [
    "launch-ehr", "launch-standalone", "client-confidential-symmetric", "client-confidential-asymmetric",
    "client-public", "sso-openid-connect", "context-ehr-patient", "context-ehr-encounter", "authorize-post",
    "context-standalone-patient", "permission-offline", "permission-patient", "permission-user", "permission-v1",
    "permission-v2", "context-banner", "context-style",
]  # fmt: skip
"""As the platform lists them, without health-cards (seen); each has a test."""
