"""Sensitive records that a client does not get: which labels are withheld from whom, and which records bear them.

The labels stand on the records of the truth (`sensitivity`: BH, SUD, HIV …). What is withheld is absent: neither found
nor read. What a perfect integration can know of it is nothing, and the judge asks for nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from simulator.exchange import Exchange
from simulator.population.records import Chart, Consent, Record

if TYPE_CHECKING:
    from simulator.sandbox import Site

SETTING = "withheld_records"
"""Site setting: client id or name, or `*` for every client, to the labels that it does not get."""
EVERYBODY = "*"

Hidden = Callable[[str, int, int], bool]
"""Whether the record (kind, patient number, ordinal) is withheld."""


def labels_withheld(site: Site, client_id: str) -> frozenset[str]:
    """The labels whose records this client does not get."""
    wishes: Mapping[str, Collection[str]] = site.settings.get(SETTING) or {}
    if not wishes:
        return frozenset()
    client = site.clients.get(client_id)
    names = (EVERYBODY, client_id, client.name if client is not None else "")
    return frozenset(label for name in names for label in wishes.get(name, ()))


def is_withheld(record: Any, labels: frozenset[str]) -> bool:
    """Whether a record bears one of these labels, or is a consent about one."""
    borne = record.labels if isinstance(record, Consent) else getattr(record, "sensitivity", ())
    return bool(labels) and not labels.isdisjoint(borne)


def _records(chart: Chart, kind: str) -> tuple[Record, ...]:
    return chart.consents if kind == Consent.kind else chart.of(kind)


def hidden_from(x: Exchange, *, always: frozenset[str] = frozenset()) -> Hidden | None:
    """The question which records the caller of `x` does not get; None when it gets all. Those that bear a label of
    `always` it does not get in any case."""
    if x.caller is None or not (always or x.site.settings.get(SETTING)):
        return None
    labels = labels_withheld(x.site, x.caller.client_id) | always
    if not labels:
        return None
    world, known = x.site.sandbox.world, dict[tuple[str, int], frozenset[int]]()

    def hidden(kind: str, number: int, ordinal: int) -> bool:
        if (kind, number) not in known:
            records = _records(world.chart(number), kind) if world.person(number) is not None else ()
            known[kind, number] = frozenset(one.ordinal for one in records if is_withheld(one, labels))
        return ordinal in known[kind, number]

    return hidden
