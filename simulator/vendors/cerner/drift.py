"""How Millennium's API changed, and will: what the vendor's documentation changed from commit to commit, what
recordings of different years show, and what Oracle's change log says of the server to come.

The room is written as of 14 August 2026, when its discovery documents were captured. Few days are on record: most are
guesses between the recordings before and after.

Source: SOURCES.md, "Changes" (H: single commits of the documentation; Y, T, E: recordings; OR: Oracle's change log).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.auth import scopes
from simulator.drift import Change, History, Json, Shape, document, retiring
from simulator.exchange import Exchange, Reply, json_reply
from simulator.fhir import build, outcome
from simulator.refusal import OAuthRefusal, Refusal
from simulator.vendors.cerner import codes, urls
from simulator.vendors.cerner.errors import FHIR_JSON
from simulator.vendors.cerner.rules import RULES
from simulator.vendors.cerner.sources import source

if TYPE_CHECKING:
    from simulator.sandbox import Site

AS_OF = date(2026, 8, 14)
_OLD_JSON = "application/json+fhir"
_DEPRECATED, _SHUT = date(2026, 10, 1), date(2027, 4, 1)
_CHANGE_LOG = "https://docs.oracle.com/en/industries/health/millennium-platform-apis/"


# Doors and tokens


def _old_media_type(reply: Reply, x: Exchange) -> Reply:
    if not (reply.header("content-type") or "").startswith(FHIR_JSON):
        return reply
    headers = [
        (name, value.replace(FHIR_JSON.encode(), _OLD_JSON.encode()) if name == b"content-type" else value)
        for name, value in reply.headers
    ]
    return Reply(reply.status, reply.body, headers, reply.simulated, reply.served)


def _no_revocation(x: Exchange) -> None:
    if x.path.endswith("/token/revoke"):
        raise Refusal("not_found", "tokens cannot be revoked yet", reason="no_such_path")


def _no_revocation_told(value: Json, x: Exchange) -> None:
    value.pop("revocation_endpoint", None)


def _only_v1(x: Exchange) -> None:
    """A token request for a scope of version 2 is refused."""
    if not x.path.endswith("/smart-v1/token") or b"scope=" not in x.body:
        return
    for one in dict(parse_qsl(x.body.decode("latin-1"))).get("scope", "").split():
        scope = scopes.parse(one)
        if scope is not None and not one.endswith((".read", ".write", ".*")):
            raise OAuthRefusal("invalid_scope", "scope_of_version_2", f"unknown scope {one}")


def _only_v1_told(value: Json, x: Exchange) -> None:
    value["capabilities"] = [one for one in value["capabilities"] if one != "permission-v2"]
    value["scopes_supported"] = [one for one in value["scopes_supported"] if not one.endswith((".rs", ".r"))]


def _classic_token_url(x: Exchange) -> str:
    """The successor, when a call came to the token URL without a host in it."""
    is_old = x.path.startswith("/tenants/") and x.path.endswith("/token") and "/hosts/" not in x.path
    return urls.token_urls(x.base_url, x.site)[0] if is_old else ""


# What resources say


def _codings(value: Any) -> Iterator[Json]:
    """Every coding of a resource, at any depth."""
    if isinstance(value, dict):
        if "system" in value and "code" in value and "value" not in value:
            yield value
        for one in value.values():
            yield from _codings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _codings(one)


def _old_none_known(allergy: Json, site: Site) -> None:
    for coding in allergy.get("code", {}).get("coding", ()):
        if coding["code"] == "716186003":
            coding |= {"code": "160244002", "display": "No known allergies"}


def _class_of_code_set(encounter: Json, site: Site) -> None:
    word = encounter.get("class", {}).get("code")
    if word:
        display = codes.CLASS_WORDS.get(word, word)
        encounter["class"] = codes.local(site, codes.ENCOUNTER_CLASS, word, display)


def _no_loinc_display(observation: Json, site: Site) -> None:
    for coding in observation.get("code", {}).get("coding", ()):
        if coding.get("system") == build.SYSTEMS["loinc"]:
            coding.pop("display", None)


def _old_escapes(resource: Json, site: Site) -> None:
    text = resource.get("text", {})
    if "div" in text:
        text["div"] = text["div"].replace("&#39;", "&apos;")


def _cerners_statement(statement: Json, site: Site) -> None:
    statement |= {
        "name": "CernerCapabilityStatement",
        "title": "Cerner Capability Statement",
        "publisher": "Cerner",
    }


def _selected_only_proprietary(resource: Json, site: Site) -> None:
    standard = set(build.SYSTEMS.values())
    for coding in _codings(resource):
        if coding.get("userSelected") and coding["system"] in standard:
            coding["userSelected"] = False


def _us_core_7(statement: Json, site: Site) -> None:
    statement["instantiates"] = [f"{one}|7.0.0" for one in statement["instantiates"]]
    for type in statement["rest"][0]["resource"]:
        if "supportedProfile" in type:
            type["supportedProfile"] += [f"{one}|7.0.0" for one in type["supportedProfile"]]


# Oracle's next server


def _fifty(x: Exchange) -> None:
    """A page has fifty entries when nobody says how many, and the links say so."""
    type = x.path.rpartition("/")[2]
    is_paged = x.method == "GET" and type in RULES and RULES[type].page_size
    if is_paged and not {"-pageContext", "_count", "_id"} & {name for name, _ in x.params}:
        x.notes["read_as"] = f"{x.query}&_count=50".removeprefix("&")
        x.read_params_as([*x.params, ("_count", "50")])


def _one_form_of_scope_errors(reply: Reply, x: Exchange) -> Reply:
    """403 for a scope comes as an OperationOutcome, as every other refusal of the FHIR layer (its words: guess)."""
    if reply.status != 403 or not reply.body.startswith(b'{"code":403'):
        return reply
    said = outcome.outcome([outcome.issue("error", "forbidden", diagnostics="insufficient scope")])
    made = json_reply(403, said, FHIR_JSON)
    kept = [pair for pair in reply.headers if pair[0] not in (b"content-type", b"content-length")]
    return Reply(403, made.body, [*made.headers, *kept], reply.simulated)


HISTORY = History(
    AS_OF,
    (
        Change(
            id="cerner-media-type",
            since=date(2019, 10, 1),
            what="answers are application/fhir+json, no longer application/json+fhir",
            why="clients that compare Content-Type letter by letter parse nothing",
            source=source("doc", "H", but="commit f9fb6afc"),
            day="guess",
            before=Shape(answer=_old_media_type),
        ),
        Change(
            id="cerner-none-known",
            since=date(2020, 3, 1),
            what="\"no known allergies\" is SNOMED 716186003, no longer 160244002",
            why="the same patients, another code: who looks for the old one finds an allergy",
            source=source("doc", "H", but="commit 2434af9a"),
            day="guess",
            before=Shape(told={"AllergyIntolerance": _old_none_known}),
        ),
        Change(
            id="cerner-encounter-class",
            since=date(2020, 9, 1),
            what="`Encounter.class` is a code of v3 ActCode, no longer of the tenant's own code set",
            why="a changed code system: IMP, AMB and EMER instead of numbers that differ from tenant to tenant",
            source=source("doc", "H", but="commit ca802988"),
            day="guess",
            before=Shape(told={"Encounter": _class_of_code_set}),
        ),
        Change(
            id="cerner-observation-count",
            since=date(2021, 2, 1),
            what="a page of Observations has at most 200 entries, whatever `_count` says",
            why="a client that takes the first page for everything loses the rest (before: 1000 is a guess)",
            source=source("doc", "H", but="commit 1e820de0"),
            day="guess",
            before=Shape(settings={"max_page": 1000, "largest_page": {"Observation": 1000}}),
        ),
        Change(
            id="cerner-loinc-display",
            since=date(2021, 6, 1),
            what="LOINC codes of Observations have a display",
            why="whoever showed `text` shows two names now",
            source=source("doc", "H", but="commit 0c33412e"),
            day="guess",
            before=Shape(told={"Observation": _no_loinc_display}),
        ),
        Change(
            id="cerner-revocation",
            since=date(2022, 6, 1),
            what="tokens can be revoked; discovery names the endpoint",
            why="a new endpoint; before it, the pages said that tokens cannot be taken back",
            source=source("doc", "H", but="commits 0d8dd08a and 83216a34"),
            day="guess",
            before=Shape(ask=_no_revocation, answer=document(("smart-configuration",), _no_revocation_told)),
        ),
        Change(
            id="cerner-narrative",
            since=date(2023, 3, 1),
            what="apostrophes in narratives are &#39;, no longer &apos;",
            why="bytes differ and nothing else does: hashes of resources change, meanings do not",
            source=source("doc", "H", but="commit f175f338"),
            day="guess",
            before=Shape(told={"*": _old_escapes}),
        ),
        Change(
            id="cerner-scopes-v2",
            since=date(2023, 9, 1),
            what="scopes of SMART version 2 are known (`.rs` beside `.read`)",
            why="before it, who asks for them is refused with invalid_scope",
            source=source("seen", "E", "M"),
            day="guess",
            before=Shape(ask=_only_v1, answer=document(("smart-configuration",), _only_v1_told)),
        ),
        Change(
            id="cerner-token-hosts",
            since=date(2024, 2, 1),
            what="the token URL names the FHIR host (`/hosts/…/protocols/…/token`); the classic one answers too",
            why="a moved endpoint: who takes it from discovery does not notice",
            source=source("seen", "E", "M"),
            day="guess",
            before=Shape(settings={"token_hosts": False}),
        ),
        Change(
            id="cerner-encrypted-tokens",
            since=date(2025, 1, 1),
            what="access tokens are encrypted (JWE), no longer readable JWTs",
            why="who read the tenant or the patient out of the token reads nothing any more",
            source=source("seen", "Y"),
            day="guess",
            before=Shape(settings={"token_form": "jws"}),
        ),
        Change(
            id="cerner-oracle-health",
            since=date(2025, 6, 1),
            what="the CapabilityStatement is Oracle Health's by name, title and publisher",
            why="who tells vendors apart by these names meets an unknown vendor",
            source=source("seen", "E", but="its title and publisher before"),
            day="guess",
            before=Shape(told={"CapabilityStatement": _cerners_statement}),
        ),
        Change(
            id="cerner-classic-token-deprecated",
            since=_DEPRECATED,
            what="the classic token URL says that it is deprecated, and when it goes (Deprecation, Sunset, Link)",
            why="a rehearsal: neither headers nor a day are on record, the two URLs are",
            source=source("guess", "E", but="that the classic one will go"),
            day="guess",
            after=Shape(answer=retiring(_DEPRECATED, _SHUT, _CHANGE_LOG, _classic_token_url)),
        ),
        Change(
            id="cerner-oracle-next",
            since=date(2026, 11, 1),
            what="Oracle's newer server: what does not conform is left out of a page, with an OperationOutcome there, "
            "instead of a 500; pages have 50 entries, at most 1000, and the links say so; one form of scope errors; "
            "`userSelected` only on proprietary codes",
            why="a page that lacks an entry is a success now: who looks at the status alone never learns of it",
            source=source("doc", "OR", but="the day on which a tenant moves"),
            day="guess",
            after=Shape(
                settings={
                    "nonconforming": "left_out",
                    "max_page": 1000,
                    "largest_page": {type: 1000 for type, rules in RULES.items() if rules.page_size},
                },
                told=dict.fromkeys(RULES, _selected_only_proprietary),
                ask=_fifty,
                answer=_one_form_of_scope_errors,
            ),
        ),
        Change(
            id="cerner-us-core-7",
            since=date(2027, 1, 1),
            what="the CapabilityStatement names profiles of US Core 7.0.0 beside those without a version",
            why="several versions at once: a client must take the one that it knows",
            source=source("guess", "E", but="that and when it comes"),
            day="guess",
            after=Shape(told={"CapabilityStatement": _us_core_7}),
        ),
        Change(
            id="cerner-classic-token-gone",
            since=_SHUT,
            what="the classic token URL is gone",
            why="who built it instead of reading it out of discovery gets no token any more",
            source=source("guess", "E", but="that it will go"),
            day="guess",
            after=Shape(settings={"classic_token_url": False}),
        ),
    ),
)  # fmt: skip
