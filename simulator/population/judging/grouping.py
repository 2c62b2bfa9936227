"""Who is whom: how an integration groups the ids of a vendor into persons, against who they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from simulator.population.judging.rates import Rates

Id = TypeVar("Id", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How well ids are grouped.

    pairs         pairs of ids that are one person: told right, told, so
    b_precision   B-cubed: over the ids, the share of an id's group that is its person
    b_recall      … and the share of an id's person that is in its group
    false_merges  groups that hold more than one person: critical, whatever the averages
    missed        persons whose ids are in more than one group
    """

    pairs: Rates
    b_precision: float
    b_recall: float
    false_merges: tuple[tuple[Hashable, ...], ...]
    missed: tuple[Hashable, ...]

    @property
    def b_f1(self) -> float:
        """The harmonic mean of B-cubed precision and recall."""
        both = self.b_precision + self.b_recall
        return 2 * self.b_precision * self.b_recall / both if both else 0.0


def grouped(persons: Mapping[Id, Hashable], groups: Iterable[Iterable[Id]]) -> Grouping:
    """Judges `groups` of ids; `persons` says who each id is.

    Groups that share an id are one group; an id in no group stands alone; ids of nobody that we know are left out.
    """
    told = _joined(persons, groups)
    members: dict[Hashable, list[Id]] = {}
    for id, group in told.items():
        members.setdefault(group, []).append(id)
    size_of_person = Counter(persons.values())
    in_both = Counter((group, persons[id]) for id, group in told.items())
    size_of_group = {group: len(ids) for group, ids in members.items()}
    precision = recall = 0.0
    for (group, person), count in in_both.items():
        precision += count * count / size_of_group[group]
        recall += count * count / size_of_person[person]
    merged = [ids for ids in members.values() if len({persons[id] for id in ids}) > 1]
    groups_of = Counter(person for _, person in in_both)
    return Grouping(
        pairs=Rates(
            truth=sum(map(_pairs, size_of_person.values())),
            returned=sum(map(_pairs, size_of_group.values())),
            right=sum(map(_pairs, in_both.values())),
        ),
        b_precision=precision / len(told) if told else 1.0,
        b_recall=recall / len(told) if told else 1.0,
        false_merges=tuple(tuple(ids) for ids in merged),
        missed=tuple(person for person, count in groups_of.items() if count > 1),
    )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _joined(persons: Mapping[Id, Hashable], groups: Iterable[Iterable[Id]]) -> dict[Id, Id]:
    """The group of each id, named by one of its members."""
    leader: dict[Id, Id] = {id: id for id in persons}

    def lead(id: Id) -> Id:
        while leader[id] != id:
            leader[id] = leader[leader[id]]
            id = leader[id]
        return id

    for group in groups:
        known = [id for id in group if id in leader]
        for id in known[1:]:
            leader[lead(id)] = lead(known[0])
    return {id: lead(id) for id in persons}
