"""`/fhir/r4/metadata` and the SMART configuration: open to everybody, and a date that never moves."""

from __future__ import annotations

from typing import Any

import orjson

from simulator.exchange import Exchange, Reply
from simulator.fhir import build
from simulator.fhir.capability import ResourceType, SearchParam, security, statement
from simulator.vendors.athena.auth import ISSUER
from simulator.vendors.athena.fhir import shape
from simulator.vendors.athena.fhir.rules import RULES

DATE = "2022-06-06"
_MEDIA = "application/fhir+json"
_REQUIRED = shape.EXTENSION + "ah-search-parameter-metadata"
_FORMATS = ("json", "application/json", "application/json+fhir", "application/fhir+json")


def metadata(x: Exchange) -> Reply:
    """The CapabilityStatement: what answers here, with the required parameters in an extension of athena's own."""
    key = ("metadata", x.base_url)
    body = x.site.cache.get(key) or x.site.cache.put(key, build.dumps(_statement(x.base_url)))
    return Reply(200, body, [(b"content-type", _MEDIA.encode())])


def _statement(base_url: str) -> dict[str, Any]:
    oauth = {name: f"{base_url}/oauth2/v1/{name}" for name in ("token",)}
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
        },
    )


def _type(name: str) -> ResourceType:
    rule = RULES[name]
    required = [
        build.extension("requiredAnySearchParams", valueString=", ".join(combination)) for combination in rule.any_of
    ]
    params = [SearchParam(param, kind) for param, kind in rule.params.items() if param != "_include"]
    return ResourceType(
        name,
        ("read", "search-type"),
        tuple(params),
        profile=f"{shape.EXTENSION}ah-{name.lower()}",
        include=rule.include,
        extra={"extension": [build.extension(_REQUIRED, extension=required)]},
    )


def smart_configuration(x: Exchange) -> Reply:
    """The SMART configuration. The issuer is the identity provider's, on another host; `client_credentials` only."""
    root = f"{x.base_url}/oauth2/v1"
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    told = {
        "issuer": ISSUER,
        "jwks_uri": f"{root}/keys",
        "token_endpoint": f"{root}/token",
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_methods": methods,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "RS384", "ES256", "ES384"],
        "grant_types_supported": ["client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": [
            "client-confidential-symmetric",
            "client-confidential-asymmetric",
            "permission-v1",
            "permission-v2",
        ],
    }
    return Reply(200, orjson.dumps(told), [(b"content-type", b"application/json")])
