"""How athenaOne's API changed, and will: what recordings from 2016 to 2026 show, the move to another platform in 2021,
and what a rehearsal may add.

The room is written as of 14 August 2026, when the platform's documents were captured. Few days are on record: most are
guesses between the recordings before and after.

Source: SOURCES.md, "Changes".
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from simulator.drift import Change, History, Json, Shape, document, retiring
from simulator.exchange import Exchange, Reply
from simulator.refusal import Refusal
from simulator.source import Source

if TYPE_CHECKING:
    from simulator.sandbox import Site

AS_OF = date(2026, 8, 14)
OLD_TOKEN = "/oauth/token"
_TOKEN = "/oauth2/v1/token"
_RECORDED = "public recordings of athenaOne replies 2016-2023 (zywy/athena_health, HTD-Health clients)"
_MIGRATION = "https://docs.athenahealth.com/api/docs/migration-guidance"
_LISTS = ("patients.search", "departments.list", "providers.list", "problems.list", "encounters.list", "vitals.list")


def _not_yet(x: Exchange) -> None:
    """Before the new platform: neither its token door nor FHIR R4."""
    if x.raw_path.endswith(_TOKEN) or "/fhir/r4/" in x.raw_path:
        raise Refusal("not_found", "that is the platform of 2021", reason="not_routed")


def _old_door(x: Exchange) -> None:
    """The token door of the old gateway leads to the token endpoint."""
    if x.path == OLD_TOKEN:
        x.path = _TOKEN


def _old_answer(reply: Reply, x: Exchange) -> Reply:
    """A number of seconds and a type, as the old gateway answered; and, once there is a successor, who that is."""
    if not x.raw_path.endswith(OLD_TOKEN):
        return reply
    return _retiring(_with_old_words(reply, x), x)


def _old_words(value: Json, x: Exchange) -> None:
    value["token_type"] = "bearer"
    value["expires_in"] = int(value["expires_in"])


def _successor(x: Exchange) -> str:
    return x.base_url + _TOKEN if x.site.as_of >= _OPENED else ""


_with_old_words = document(("token",), _old_words)
_OPENED, _SHUT = date(2021, 3, 1), date(2021, 9, 1)
_retiring = retiring(_OPENED, _SHUT, _MIGRATION, _successor)


def _without_total(value: Json, x: Exchange) -> None:
    if isinstance(value, dict) and "departmentid" in (name for name, _ in x.params):
        value.pop("totalcount", None)


def _us_core(*versions: str) -> Any:
    base = "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"

    def alter(statement: Json, site: Site) -> None:
        statement["instantiates"] = [f"{base}|{version}" for version in versions]

    return alter


HISTORY = History(
    AS_OF,
    (
        Change(
            id="athena-json-types",
            since=date(2018, 1, 1),
            what="numbers and truth values come as such in most endpoints, no longer as strings everywhere",
            why='the same field, another JSON type: joins on ids break, and "false" is true in many languages',
            source=Source(_RECORDED, "seen"),
            day="guess",
            before=Shape(settings={"type_profile": "legacy"}),
        ),
        Change(
            id="athena-totalcount",
            since=date(2018, 1, 1),
            what="lists of a department have a `totalcount`",
            why="who pages by it alone, without `next`, stopped early before",
            source=Source(_RECORDED, "seen"),
            day="guess",
            before=Shape(answer=document(_LISTS, _without_total)),
        ),
        Change(
            id="athena-new-platform",
            since=_OPENED,
            what="tokens come from /oauth2/v1/token; FHIR R4 is there. The old door, /oauth/token, answers beside it",
            why="a moved endpoint, with time to move: the old door names its successor (its headers are a guess)",
            source=Source(_MIGRATION, "doc"),
            day="guess",
            before=Shape(ask=_not_yet, settings={"token_path": OLD_TOKEN}),
        ),
        Change(
            id="athena-old-platform-gone",
            since=_SHUT,
            what="the old token door is gone",
            why="its host has no address any more; who did not move gets no token",
            source=Source(f"{_MIGRATION}; api.athenahealth.com does not resolve in 2026", "doc"),
            day="guess",
            before=Shape(ask=_old_door, answer=_old_answer),
        ),
        Change(
            id="athena-token-limit",
            since=date(2023, 1, 1),
            what="50 tokens a minute for each app, no longer 200",
            why="who takes a token for every call is blocked until the minute rolls over",
            source=Source("https://github.com/drajer-health/eCRNow/issues/294 (200 in 2022); 50 is documented", "seen"),
            day="guess",
            before=Shape(limits={"token": {"calls": 200}}),
        ),
        Change(
            id="athena-token-reply",
            since=date(2026, 11, 1),
            what="the token endpoint answers as RFC 6749 says: `expires_in` is a number, `token_type` is there",
            why="who reads seconds out of a string only fails; people's logins are answered so already",
            source=Source("RFC 6749 section 5.1; no announcement is on record", "guess"),
            day="guess",
            after=Shape(settings={"token_reply": "standard"}),
        ),
        Change(
            id="athena-us-core-7",
            since=date(2026, 11, 1),
            what="the CapabilityStatement names US Core 6.1.0 and 7.0.0",
            why="two versions at once; that athena moves, and when, is not known",
            source=Source("45 CFR 170.215 (6.1.0 since 2026); 7.0.0 may be used beside it", "guess"),
            day="guess",
            after=Shape(told={"CapabilityStatement": _us_core("6.1.0", "7.0.0")}),
        ),
        Change(
            id="athena-numbers",
            since=date(2027, 1, 1),
            what="every id is a JSON number, every truth value a boolean, also where the old endpoints told strings",
            why="the next step of what happened in 2018; integrations that compare ids as text lose their joins",
            source=Source("eleanorhealth/go-athenahealth, commit log: single endpoints changed both ways", "guess"),
            day="guess",
            after=Shape(settings={"type_profile": "modern"}),
        ),
    ),
)
