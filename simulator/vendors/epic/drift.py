"""How Epic's API changed, and will: the dated changes that the vendor tells of and that recordings show.

The room is written as of 12 May 2026: the public sandbox, version "February 2026", as it was recorded the day before.

Source: SOURCES.md, "Changes" (OAUTH: rules with their quarters; FHIRPY, FS, MAP: what differs between recordings;
FLEET: the versions that are in use).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from simulator.auth import assertion
from simulator.drift import Change, History, Json, Shape, document
from simulator.exchange import Exchange
from simulator.fhir import build
from simulator.refusal import OAuthRefusal, Refusal
from simulator.vendors.epic import ids, paths
from simulator.vendors.epic.manner import aud_needed
from simulator.vendors.epic.sources import source

if TYPE_CHECKING:
    from simulator.sandbox import Site

AS_OF = date(2026, 5, 12)
_US_CORE = "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"
_PROFILE = "http://hl7.org/fhir/us/core/StructureDefinition/"
_PRONOUNS = "calculated-pronouns-to-use-for-text"


# Doors and tokens


def _no_posted_authorize(x: Exchange) -> None:
    if x.path == paths.AUTHORIZE and x.method == "POST" and b"response_type=" in x.body:
        raise Refusal("unsupported", "authorization requests come by GET", reason="no_such_method")


def _no_smart_configuration(x: Exchange) -> None:
    if x.path.endswith("/.well-known/smart-configuration"):
        raise Refusal("not_found", "not there before August 2021", reason="no_such_path")


def _aud_assumed(x: Exchange) -> None:
    """An authorization request without `aud` means the site's own FHIR base."""
    if x.path != paths.AUTHORIZE:
        return
    pairs = x.params if x.method == "GET" else parse_qsl(x.body.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if "response_type" in given and not given.get("aud") and aud_needed(given.get("scope", "").split()):
        meant = [*(pair for pair in pairs if pair[0] != "aud"), ("aud", x.base_url + paths.FHIR)]
        if x.method == "GET":
            x.read_params_as(meant)
        else:
            x.body = urlencode(meant).encode()


def _without_v2(value: Json, x: Exchange) -> None:
    if "capabilities" in value:
        value["capabilities"] = [one for one in value["capabilities"] if one != "permission-v2"]
        value["scopes_supported"] = [one for one in value["scopes_supported"] if not one.endswith((".rs", ".r"))]
    if "scope" in value:
        value["scope"] = " ".join(_in_v1(one) for one in value["scope"].split())


def _in_v1(scope: str) -> str:
    head, _, verb = scope.partition("?")[0].rpartition(".")
    if "/" not in head or not verb or set(verb) - set("cruds"):
        return scope
    return f"{head}.{'write' if set(verb) & set('cud') else 'read'}"


def _key_url_needed(x: Exchange) -> None:
    """A client that uploaded its keys is refused. The ready-made ones count as registered with a URL."""
    if x.path != paths.TOKEN or x.method != "POST" or b"client_assertion=" not in x.body:
        return
    form = dict(parse_qsl(x.body.decode("latin-1")))
    peeked = assertion.peek(form.get("client_assertion", ""))
    client = x.site.clients.get(str(peeked[1].get("iss"))) if peeked is not None else None
    if client is not None and client.jwks is not None and not client.jwks_uri:
        x.notes["client_id"] = client.client_id
        raise OAuthRefusal("invalid_client", "jwks_url_required", f"{client.name} has uploaded its keys")


# What resources say


def _no_address_text(patient: Json, site: Site) -> None:
    for address in patient.get("address", ()):
        address.pop("text", None)


def _no_pronouns(patient: Json, site: Site) -> None:
    patient["extension"] = [one for one in patient.get("extension", ()) if not one["url"].endswith(_PRONOUNS)]


def _blood_pressure_in_full(observation: Json, site: Site) -> None:
    code = observation.get("code", {})
    for told in (code, *code.get("coding", ())):
        for name in ("text", "display"):
            if told.get(name) == "BP":
                told[name] = "Blood Pressure"


_KINDS = {"Encounter": "encounter", "Condition": "condition", "Observation": "observation"}


def _last_updated(resource: Json, site: Site) -> None:
    """`meta.lastUpdated`, must-support since 7.0.0, where the record tells when it changed."""
    named = ids.named(site.key, resource["id"])
    if named is None:
        return
    states = site.sandbox.world.chart(named.number).states
    state = states.get((_KINDS[named.type], named.ordinal))
    if state is not None:
        resource.setdefault("meta", {})["lastUpdated"] = build.instant(state.updated)


# What the statement says


def _us_core(version: str, before: str) -> Any:
    def alter(statement: Json, site: Site) -> None:
        statement["instantiates"] = [f"{_US_CORE}|{version}" if version else _US_CORE]
        for type in statement["rest"][0]["resource"]:
            profiles = type.get("supportedProfile")
            if profiles:
                type["supportedProfile"] = [
                    one.replace(f"|{before}", f"|{version}" if version else "") for one in profiles
                ]

    return alter


def _us_core_3(statement: Json, site: Site) -> None:
    """Profiles without a version, one for every Condition, none for what 6.1.0 brought."""
    _us_core("", "6.1.0")(statement, site)
    new = ("us-core-coverage", "us-core-condition-problems-health-concerns")
    for type in statement["rest"][0]["resource"]:
        kept = [one for one in type.get("supportedProfile", ()) if not one.endswith(new)]
        if kept:
            type["supportedProfile"] = [
                one.replace("us-core-condition-encounter-diagnosis", "us-core-condition") for one in kept
            ]
        else:
            type.pop("supportedProfile", None)


def _us_core_7(statement: Json, site: Site) -> None:
    _us_core("7.0.0", "6.1.0")(statement, site)
    for type in statement["rest"][0]["resource"]:
        if type["type"] == "Location":
            type["supportedProfile"] = [f"{_PROFILE}us-core-location|7.0.0"]


def _only_first_class(statement: Json, site: Site) -> None:
    """Without the parameters that have no word of documentation."""
    for type in statement["rest"][0]["resource"]:
        type["searchParam"] = [one for one in type.get("searchParam", ()) if "documentation" in one]


def _version_of_the_day(statement: Json, site: Site) -> None:
    day = _release(site.as_of)
    statement["software"] = {"name": "Epic", "version": day.strftime("%B %Y"), "releaseDate": day.isoformat()}


def _release(day: date) -> date:
    """When the version that is the newest on `day` came: each quarter, on a second Monday (that of February 2026 is
    seen, all others are guesses)."""
    days = (_second_monday(year, month) for year in (day.year, day.year - 1) for month in (11, 8, 5, 2))
    return next(one for one in days if one <= day)


def _second_monday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return date(year, month, 8 + (7 - first.weekday()) % 7)


HISTORY = History(
    AS_OF,
    (
        Change(
            id="epic-id-token-issuer",
            since=date(2020, 5, 1),
            what="`iss` of an id_token is the OAuth root, no longer the token endpoint",
            why="clients that compare the issuer letter by letter refuse every login",
            source=source("doc", "OAUTH"),
            day="doc",
            before=Shape(settings={"id_token_issuer": paths.TOKEN}),
        ),
        Change(
            id="epic-posted-authorize",
            since=date(2020, 11, 1),
            what="an authorization request may be posted as a form",
            why="a long state and a launch token together exceed what a URL may hold",
            source=source("doc", "OAUTH"),
            day="doc",
            before=Shape(ask=_no_posted_authorize),
        ),
        Change(
            id="epic-smart-configuration",
            since=date(2021, 8, 1),
            what="`.well-known/smart-configuration` is there",
            why="older sites tell their OAuth URLs in the CapabilityStatement only",
            source=source("doc", "OAUTH"),
            day="doc",
            before=Shape(ask=_no_smart_configuration),
        ),
        Change(
            id="epic-aud-mandatory",
            since=date(2023, 5, 1),
            what="an authorization request for launch context needs `aud`",
            why="a token could be stolen by a false server; apps that never sent it cannot log in any more",
            source=source("doc", "OAUTH"),
            day="doc",
            before=Shape(ask=_aud_assumed),
        ),
        Change(
            id="epic-scopes-v2",
            since=date(2024, 11, 1),
            what="scopes of SMART version 2 are advertised and granted (`.rs` beside `.read`)",
            why="older sites grant version 1 whatever was asked",
            source=source("doc", "OAUTH"),
            day="doc",
            before=Shape(answer=document(("smart-configuration", "token"), _without_v2)),
        ),
        Change(
            id="epic-jti-string",
            since=date(2024, 11, 1),
            what="the `jti` of an assertion must be a JSON string",
            why="numbers passed before",
            source=source("doc", "OAUTH"),
            day="doc",
            before=Shape(settings={"assertion_rules": {"jti_string": False}}),
        ),
        Change(
            id="epic-us-core-sex",
            since=date(2025, 2, 1),
            what="the sex of a patient stands in us-core-sex, as a SNOMED code; us-core-birthsex is gone",
            why="the extension is another one, and so is the code system behind it",
            source=source("seen", "FHIRPY", "FS"),
            day="guess",
            before=Shape(settings={"sex_extension": "us-core-birthsex"}),
        ),
        Change(
            id="epic-token-issuer",
            since=date(2025, 2, 1),
            what="`iss` of access tokens names the instance",
            why="whoever looks into tokens, which nobody should, sees another issuer",
            source=source("seen", "FHIRPY", "FS"),
            day="guess",
            before=Shape(settings={"token_issuer": "urn:oid:fhir"}),
        ),
        Change(
            id="epic-address-text",
            since=date(2026, 2, 9),
            what="addresses of patients have a `text`, in the postal form",
            why="a new element: strict readers refuse it, careless ones show it beside `line`",
            source=source("seen", "FS", "MAP"),
            day="guess",
            before=Shape(told={"Patient": _no_address_text}),
        ),
        Change(
            id="epic-pronouns",
            since=date(2026, 2, 9),
            what="patients have an extension with their pronouns",
            why="an extension that nobody knows",
            source=source("seen", "FS", "MAP"),
            day="guess",
            before=Shape(told={"Patient": _no_pronouns}),
        ),
        Change(
            id="epic-bp",
            since=date(2026, 2, 9),
            what="blood pressures are called \"BP\", no longer \"Blood Pressure\"",
            why="whoever maps by the text instead of the code loses them",
            source=source("seen", "FS", "MAP"),
            day="guess",
            before=Shape(told={"Observation": _blood_pressure_in_full}),
        ),
        Change(
            id="epic-59205",
            since=date(2026, 2, 9),
            what="searches warn with 59205 of parts that the user lacks, and name parts called Outside Record",
            why="a new error number: who knows 59204 only takes the other for a failure, or for nothing",
            source=source("seen", "FS", "MAP"),
            day="guess",
            before=Shape(settings={"user_warnings": False, "outside_records": False}),
        ),
        Change(
            id="epic-us-core-6",
            since=date(2026, 2, 9),
            what="the CapabilityStatement instantiates US Core 6.1.0",
            why="the minimum for certified systems from 2026 on; which profiles were named before is a guess",
            source=source("seen", "CS"),
            day="guess",
            before=Shape(told={"CapabilityStatement": _us_core_3}),
        ),
        Change(
            id="epic-statement-grows",
            since=date(2026, 5, 11),
            what="the CapabilityStatement lists search parameters without documentation; its version stays",
            why="it grew from 92 to 159 kB within a version: what it says may change on any day",
            source=source("seen", "MAP", but="which part of it was new"),
            day="seen",
            before=Shape(told={"CapabilityStatement": _only_first_class}),
        ),
        Change(
            id="epic-jwks-url",
            since=date(2026, 5, 31),
            what="clients need a JWKS URL, uploaded keys are refused (third step: sandbox keys since August 2025, "
            "new apps since February 2026, customers since May)",
            why="keys in a file cannot be rotated; whoever did not move meets `invalid_client` on that day",
            source=source("doc", "OAUTH"),
            day="guess",
            after=Shape(ask=_key_url_needed),
        ),
        Change(
            id="epic-us-core-7",
            since=date(2026, 11, 16),
            what="US Core 7.0.0: its profiles are named; Encounter, Condition, Observation tell when they last changed",
            why="`meta.lastUpdated` is must-support there; when Epic moves is not known",
            source=source("guess", "CS", but="the day, and that Epic moves at once"),
            day="guess",
            after=Shape(told={"CapabilityStatement": _us_core_7, **dict.fromkeys(_KINDS, _last_updated)}),
        ),
        Change(
            id="epic-february-2026",
            since=date(2026, 2, 9),
            what='software.version is "February 2026"; before it, the version of the quarter',
            why="sites lag behind: nine versions were in use at once in May 2026",
            source=source("seen", "CS", "FLEET", but="the days of all other quarters"),
            day="seen",
            before=Shape(told={"CapabilityStatement": _version_of_the_day}),
        ),
        Change(
            id="epic-may-2026",
            since=date(2026, 5, 18),
            what='software.version is "May 2026", and that of each quarter from then on',
            why="a signal that something else may have changed: who keeps the statement should look at it",
            source=source("guess", "FLEET", but="which quarters come next"),
            day="guess",
            after=Shape(told={"CapabilityStatement": _version_of_the_day}),
        ),
    ),
)  # fmt: skip
