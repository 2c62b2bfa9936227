"""The contract of a room: what one EMR dialect must say of itself. A room is one folder; it exports one `VENDOR`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from simulator.auth.clients import Client
from simulator.auth.manner import Manner
from simulator.drift import NO_CHANGES, History
from simulator.exchange import Caller, Exchange, Reply, Route
from simulator.limits import Limit
from simulator.population.answers import Loss
from simulator.population.records import Record
from simulator.refusal import Refusal
from simulator.source import Source, Trap
from simulator.switch import Switch

if TYPE_CHECKING:
    from simulator.sandbox import Site


class Errors(Protocol):
    """How a vendor says no: total over the refusal kinds."""

    def dress(self, refusal: Refusal, x: Exchange) -> Reply:
        """The vendor's own status, headers and words for `refusal`."""
        ...


@dataclass(frozen=True, slots=True)
class Rendering:
    """One resource as a vendor tells it: the payload, the truth behind it, and what the telling lost.

    `type` is the vendor's own name of the entity (`Observation`, `problem`); `id` the vendor's id; `records` the truth
    (a blood pressure holds two); `losses` are pairs (index into records, Loss). `is_aside`: it tells no record of the
    truth and speaks against none (a scan, a percentile): to hold it is neither right nor wrong.
    """

    type: str
    id: str
    payload: dict[str, Any]
    records: tuple[Record, ...]
    losses: tuple[tuple[int, Loss], ...] = ()
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A page or body that a vendor sends when something is wrong, and how sure we are of it.

    `answer` makes it from the exchange and what is known: `status`, `until` (wall time), `says`.
    """

    answer: Callable[[Exchange, Mapping[str, Any]], Reply]
    source: Source


def _nobody(x: Exchange) -> str:
    return ""


def _nobodys(site: Site, type: str, id: str) -> int | None:
    return None


def _as_it_is(answer: Reply, x: Exchange) -> Reply:
    return answer


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One EMR dialect. Everything a vendor does differently hangs here and lives in its folder.

    urls         base URL of the vendor in a sandbox -> {"base_url", "fhir_url", "token_url", …}
    clients      the ready-made clients of a site, deterministic from the sandbox's seed
    route        which door this is; refuses unknown doors in the vendor's manner, or raises NotSimulated
    admit        who asks; None at public doors; raises Refusal
    errors       dresses refusals
    limits       the quotas of a site as delivered
    finish       last touch on every answer (headers that the vendor always sends)
    patient_ids  number -> the ids this vendor gave that patient, as in the control API
    patient_of   any of those patient ids -> number, or None
    owner        (site, type, id) of a resource that was served -> the number of the patient whose it is, or None
    renderings   every resource of a patient, with recorded loss, in the vendor's listing order
    traps        the habits that hurt, each with a source
    manner       how people log in; None where nobody does
    practice     the practice or tenant whose door a request came to; empty where a vendor has no such thing
    drift        how its API changed and will change; the room is written as of one day of it
    tells_charts whether it tells anything of patients; a room of doors alone is served only when it is asked for
    switches     the settings that can be switched while a sandbox runs, each one of `defaults`
    openapi      (site, base URL) -> the OpenAPI document of its FHIR side; None where a room has none
    trouble      what it sends in trouble, by name: `maintenance` (a page), `login` (a page), `failure` (an envelope)
    """

    id: str
    name: str
    urls: Callable[[str, Site], dict[str, str]]
    clients: Callable[[Site], list[Client]]
    route: Callable[[Exchange], Route]
    admit: Callable[[Exchange], Caller | None]
    errors: Errors
    patient_ids: Callable[[Site, int], dict[str, str]]
    patient_of: Callable[[Site, str], int | None]
    renderings: Callable[[Site, int], Iterable[Rendering]]
    owner: Callable[[Site, str, str], int | None] = _nobodys
    tells_charts: bool = True
    limits: tuple[Limit, ...] = ()
    finish: Callable[[Reply, Exchange], Reply] = _as_it_is
    traps: tuple[Trap, ...] = ()
    practice: Callable[[Exchange], str] = _nobody
    openapi: Callable[[Site, str], dict[str, Any]] | None = None
    trouble: Mapping[str, Trouble] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    manner: Manner | None = None
    drift: History = NO_CHANGES
    switches: tuple[Switch, ...] = ()

    def variant(self, id: str, **changes: Any) -> Vendor:
        """The same vendor with one site's habits: `changes` replace fields, `defaults` are merged."""
        if "defaults" in changes:
            changes["defaults"] = {**self.defaults, **changes["defaults"]}
        return replace(self, id=id, **changes)
