"""One resource on its way in: what it says, what is wrong with it, and on whose behalf it is filed.

Source: SOURCES.md, "Writing".
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from simulator.auth import bearer
from simulator.auth.sight import matches
from simulator.auth.users import User
from simulator.exchange import Exchange
from simulator.fhir import build, writes
from simulator.fhir.writes import Json
from simulator.population.records import Encounter, Person, Record
from simulator.refusal import Refusal
from simulator.vendors.epic import errors, ids, resources
from simulator.vendors.epic.dialect import Telling
from simulator.vendors.epic.resources.encounter import status_of

_Kept = TypeVar("_Kept", bound=Record)


class Filing:
    """A well-shaped `resource` that `x` brought, and the ways to turn it down."""

    def __init__(self, x: Exchange, type: str, resource: Json, action: str = "c") -> None:
        self.x = x
        self.type = type
        self.resource = resource
        self.action = action
        self.number = -1
        self.t: Telling | None = None

    # Turning down: what Epic's numbers mean here is in SOURCES.md, "Writing"

    def missing(self, element: str, words: str = "") -> Refusal:
        """A required element is not there: 59108."""
        return self._refuse(errors.issue("fatal", "required", "59108", words or f"Missing {element}.", element))

    def bad_value(self, element: str, value: object) -> Refusal:
        """An element has a value that is not taken: 59109, then 59111."""
        return self._refuse(*errors.bad_value(element, str(value)))

    def not_found(self, element: str, reference: str) -> Refusal:
        """A reference leads nowhere: 59144."""
        return self._refuse(errors.issue("fatal", "not-found", "59144", f"Reference not found: {reference}", element))

    def forbid(self, words: str, element: str = "", number: str = "59159") -> Refusal:
        """A rule of the site speaks against it: 59159, or one of the numbers of vital signs."""
        return self._refuse(errors.issue("fatal", "business-rule", number, words, element))

    def duplicate(self, words: str) -> Refusal:
        """The same is there already: 59141."""
        return self._refuse(errors.issue("fatal", "duplicate", "59141", words))

    def unlicensed(self, subtype: str) -> Refusal:
        """The registration does not hold this sub-resource: 403 with 59203."""
        label = f"{self.type} - {subtype}"
        return Refusal("forbidden", f"no {label}", reason="sub_resource", resource=self.type, part=label)

    def _refuse(self, *issues: dict[str, Any]) -> Refusal:
        return errors.refused(list(issues), "write_refused", self.type)

    # Reading

    def need(self, element: str) -> Any:
        """The value of a required element."""
        value = self.resource.get(element)
        if value is None:
            raise self.missing(element)
        return value

    def code(self, element: str, known: tuple[str, ...], otherwise: str = "") -> str:
        """The only or first code of an element; `otherwise` when it is not there: empty means that it must be."""
        value = self.resource.get(element)
        if value is None and otherwise:
            return otherwise
        if isinstance(value, dict):
            value = next((code for _, code, _ in writes.codings(value)), None)
        if value is None:
            raise self.missing(element)
        if value not in known:
            raise self.bad_value(element, value)
        return str(value)

    def patient(self, element: str) -> Telling:
        """The patient whose record it goes to, as the caller may write it.

        Raises:
            Refusal: no such patient, merged away, outside of the grant, behind the glass.
        """
        self.number = self._named(element, self.need(element), "Patient")
        t = self.t = resources.telling(self.x.site, self.number)
        if t is None and self.x.sandbox.world.survivor(self.number) is not None:
            raise self._refuse(errors.issue("fatal", "processing", "4107", "", element))
        if t is None:
            raise self.not_found(element, self.need(element)["reference"])
        self._check_sight()
        if self.x.site.desk.glass.is_up:
            self.x.site.desk.glass.check(self.x, self.number)
        return t

    def _check_sight(self) -> None:
        sight = self.x.caller.sight if self.x.caller is not None else None
        clauses = sight.clauses(self.type, self.action) if sight is not None else None
        if sight is None or clauses is None:
            return
        if not any(
            (not one.confined or sight.patient == self.number) and matches(self.resource, one.filter) for one in clauses
        ):
            raise Refusal("forbidden", f"{self.type} outside the grant", reason="not_viewable", resource=self.type)

    def encounter(self, t: Telling, element: str, reference: Json | None, closed: str = "59159") -> Encounter | None:
        """The encounter that it is filed under: the patient's own, and not closed; None when none is named."""
        if reference is None:
            return None
        found = ids.named(self.x.site.key, (writes.reference_of(reference) or ("", ""))[1])
        if found is None or found.type != "Encounter":
            raise self.not_found(element, str(reference.get("reference", "")))
        encounter = t.encounters.get(found.ordinal) if found.number == self.number else None
        if encounter is None:
            raise self.forbid("The encounter is not one of the patient's.", element)
        if self._is_closed(t, encounter):
            raise self.forbid("The encounter is closed.", element, closed)
        return encounter

    def _is_closed(self, t: Telling, encounter: Encounter) -> bool:
        """Whether nobody may write to it any more: some hours after its end, unless it was never closed (E40)."""
        if encounter.end is None or status_of(t, encounter) != "finished":
            return False
        return encounter.end + timedelta(hours=float(self.x.site.settings["closes_after_h"])) <= self.x.at

    def _named(self, element: str, reference: Any, type: str) -> int:
        text = str(reference.get("reference", "")) if isinstance(reference, dict) else ""
        told = writes.reference_of({"reference": text})
        if told is None:
            raise self.missing(element)
        found = ids.named(self.x.site.key, told[1])
        if told[0] not in ("", type) or found is None or found.type != type or found.ordinal:
            raise self.not_found(element, text)
        return found.number

    def day(self, element: str, value: str) -> date:
        """A whole day of the past: of a time, the day that it has where the server stands."""
        found = writes.moment_of(value)
        if found is None or len(value) < 10 or found.lo > self.x.at:
            raise self.bad_value(element, value)
        if "T" in value:
            return found.lo.astimezone(build.zone_of(str(self.x.site.settings["server_zone"]))).date()
        return date.fromisoformat(value[:10])

    def instant(self, element: str) -> datetime:
        """A required time of day in the past."""
        text = self.need(element)
        found = writes.instant_of(text)
        if found is None or found > self.x.at:
            raise self.bad_value(element, text)
        return found

    # Keeping

    def keep(self, record: _Kept, what: str = "") -> _Kept:
        """Writes `record` about the patient: who did it is the client, and whoever is logged in."""
        number = None if isinstance(record, Person) else self.number
        return self.x.site.sandbox.world.write(record, number, self.who, self.x.at, what)

    def number_of(self, kept: Record) -> int:
        """The patient whose record it went to."""
        return kept.number if isinstance(kept, Person) else self.number

    @cached_property
    def user(self) -> User | None:
        """The person behind the token; None for backend services."""
        return bearer.user_of(self.x)

    @property
    def who(self) -> str:
        """The client's id, and behind a blank the login of the person who uses it."""
        assert self.x.caller is not None
        return " ".join([self.x.caller.client_id, *([self.user.login] if self.user else [])])

    def practitioner(self, otherwise: int) -> int:
        """Who answers for it in the truth: the practitioner who is logged in, else the one given."""
        user = self.user
        return user.number if user is not None and user.kind == "practitioner" else otherwise
