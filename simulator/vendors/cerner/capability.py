"""What the site says of itself: CapabilityStatement and smart-configuration. Both promise only what answers."""

from __future__ import annotations

from typing import Any

from simulator.auth import mtls
from simulator.exchange import Exchange
from simulator.fhir import build, capability
from simulator.vendors.cerner import auth, urls
from simulator.vendors.cerner.manner import SPECIAL
from simulator.vendors.cerner.resources import provenance
from simulator.vendors.cerner.rules import RULES, Rules

_WORDS = "Oracle Health implementation of FHIR on top of Millennium"
_PROFILES: dict[str, tuple[str, ...]] = {
    "Patient": ("us-core-patient",),
    "Encounter": ("us-core-encounter",),
    "Condition": ("us-core-condition-problems-health-concerns", "us-core-condition-encounter-diagnosis"),
    "AllergyIntolerance": ("us-core-allergyintolerance",),
    "MedicationRequest": ("us-core-medicationrequest",),
    "Observation": (
        "us-core-observation-lab",
        "us-core-vital-signs",
        "us-core-blood-pressure",
        "us-core-smokingstatus",
    ),
    "Immunization": ("us-core-immunization",),
    "DiagnosticReport": ("us-core-diagnosticreport-lab", "us-core-diagnosticreport-note"),
    "Procedure": ("us-core-procedure",),
    "DocumentReference": ("us-core-documentreference",),
    "Coverage": ("us-core-coverage",),
    "Practitioner": ("us-core-practitioner",),
    "Location": ("us-core-location",),
    "Organization": ("us-core-organization",),
    "Provenance": ("us-core-provenance",),
}
_DOCS = {
    "_id": "One id or a comma separated list of ids; no other parameter may stand beside it.",
    "patient": "The id of the patient.",
    "subject": "The patient, as Patient/id.",
    "_count": "How many entries a page has.",
    "_lastUpdated": "When the resource last changed.",
}


def statement(x: Exchange) -> dict[str, Any]:
    """The CapabilityStatement of the site's tenant. Its `date` is the day of the request."""
    root = urls.called_root(x)
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{root}/metadata",
        "name": "OracleHealthCapabilityStatement",
        "title": "Oracle Health Capability Statement",
        "publisher": "Oracle Health",
        "description": _WORDS,
        "instantiates": ["http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"],
    } | capability.statement(
        types=sorted((_BINARY, *map(_type, RULES.values())), key=lambda one: one.type),
        date=x.sandbox.clock.wall().date().isoformat(),
        url=root,
        description=_WORDS,
        security=capability.security(service=_SERVICE, oauth_uris=_oauth(x), cors=True),
        formats=("json", "application/fhir+json"),
        rest_extra={"documentation": _WORDS},
    )


_SERVICE = {
    "coding": [{"system": build.SYSTEMS["smart-service"], "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}],
    "text": "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)",
}


def _oauth(x: Exchange) -> dict[str, str]:
    return {
        "token": urls.token_urls(x.base_url, x.site)[0],
        "authorize": urls.authorize_url(x.base_url, x.site, _persona(x)),
        "manage": urls.management_url(x.base_url, x.site, _persona(x)),
        "introspect": f"{x.base_url}/tokeninfo",
        "revoke": urls.revoke_url(x.base_url, x.site),
    }


def _persona(x: Exchange) -> str:
    return "patient" if urls.is_patients(x) else "provider"


def _type(rules: Rules) -> capability.ResourceType:
    base = "http://hl7.org/fhir/us/core/StructureDefinition/"
    return capability.ResourceType(
        rules.type,
        ("read", "search-type"),
        tuple(
            capability.SearchParam(param.name, param.kind, _DOCS.get(param.name, ""))
            for param in rules.params
            if param.served
        ),
        supported_profiles=tuple(base + name for name in _PROFILES.get(rules.type, ())),
        include=rules.includes,
        extra={"operation": _OPERATIONS[rules.type]} if rules.type in _OPERATIONS else {},
        revinclude=("Provenance:target",) if rules.type in provenance.TARGETS else (),
    )


_OPERATIONS = {
    "DocumentReference": [
        {
            "name": "USCoreFetchDocumentReferences",
            "definition": "http://hl7.org/fhir/us/core/OperationDefinition/docref",
            "documentation": "The summary of a patient's record that can be generated.",
        }
    ]
}
_BINARY = capability.ResourceType(
    "Binary",
    ("read",),
    extra={
        "operation": [
            {
                "name": "autogen-ccd-if",
                "definition": "https://fhir-ehr.cerner.com/r4/OperationDefinition/binary-autogen-ccd-if",
                "documentation": "Makes a Continuity of Care Document (CCD).",
            }
        ]
    },
)


def smart_configuration(x: Exchange) -> dict[str, Any]:
    """`.well-known/smart-configuration` of the root that was called."""
    made: dict[str, Any] = {
        "issuer": urls.tenant_url(x.base_url, x.site),
        "authorization_endpoint": urls.authorize_url(x.base_url, x.site, _persona(x)),
        "token_endpoint": urls.token_urls(x.base_url, x.site)[0],
        "revocation_endpoint": urls.revoke_url(x.base_url, x.site),
        **mtls.promised(x, ("client_secret_basic", "private_key_jwt")),
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "jwks_uri": f"{x.base_url}/jwk",
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "scopes_supported": _scopes(x),
        "response_types_supported": ["code"],
        "introspection_endpoint": f"{x.base_url}/tokeninfo",
        "management_endpoint": urls.management_url(x.base_url, x.site, _persona(x)),
        "capabilities": capabilities(x),
    }
    if x.site.settings["pkce"]:
        made["code_challenge_methods_supported"] = ["S256"]
    return made


def capabilities(x: Exchange) -> list[str]:
    """What each root says that it can (seen); health cards, which the vendor lists too, are not simulated."""
    contexts = ("context-standalone-patient",) if urls.is_patients(x) else ("context-ehr-encounter",)
    return [*_CAPABILITIES, *contexts]


_CAPABILITIES = (
    "authorize-post", "launch-ehr", "launch-standalone", "client-public", "client-confidential-asymmetric",
    "client-confidential-symmetric", "sso-openid-connect", "context-banner", "context-style", "context-ehr-patient",
    "permission-patient", "permission-user", "permission-offline", "permission-online", "permission-v1",
    "permission-v2",
)  # fmt: skip


def _scopes(x: Exchange) -> list[str]:
    contexts = ("patient",) if urls.is_patients(x) else ("patient", "system", "user")
    verbs = ("read", "rs", "r")
    listed = sorted(f"{context}/{type}.{verb}" for context in contexts for type in auth.TYPES for verb in verbs)
    return [*SPECIAL, *listed]
