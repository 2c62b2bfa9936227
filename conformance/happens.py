"""What happens to a patient between two readings: changes of the truth, named so that scenarios can speak of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from simulator.population import happenings
from simulator.population.happenings import Scene
from simulator.population.records import Observation
from simulator.population.world import World

_TESTS = ("4548-4", "2345-7", "718-7", "6690-2")  # hemoglobin A1c, glucose, hemoglobin, leukocytes
_LONG_AGO = timedelta(days=30)
_LATE = timedelta(seconds=20)  # a commit takes, which has its timestamp from its beginning

HAPPENINGS: Mapping[str, str] = {
    "result": "a result is filed",
    "same_instant": "another one has the timestamp of the newest before, and comes a moment later",
    "late": "a third is older than that by its timestamp: its transaction took long",
    "condition": "a problem is added",
    "correction": "an old result gets another value",
    "retraction": "an old result turns out to have been entered in error",
}


class Happenings:
    """The changes of one case."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._newest: datetime | None = None
        self._count = 0
        self._touched: set[int] = set()

    def happen(self, what: str, number: int, now: datetime) -> None:
        """Makes it happen to patient `number`."""
        does: Mapping[str, Callable[[Scene], object]] = {
            "result": self._result,
            "same_instant": self._result,
            "late": self._result,
            "condition": lambda scene: happenings.condition(scene, "I10"),
            "correction": lambda scene: happenings.correction(scene, self._old(scene), number=Decimal("7.7")),
            "retraction": lambda scene: happenings.retraction(scene, "observation", self._old(scene)),
        }
        before = self._newest or now
        at = {"same_instant": before, "late": before - _LATE}.get(what, now)
        does[what](Scene(self._world, number, "the judge", at))
        if what == "result":
            self._newest = at

    def _result(self, scene: Scene) -> object:
        self._count += 1
        test = _TESTS[self._count % len(_TESTS)]
        return happenings.result(scene, test, number=Decimal(f"6.{self._count}"))

    def _old(self, scene: Scene) -> int:
        """A number of long ago that stands alone, another one each time."""
        held = self._world.chart(scene.number).observations
        old = (one for one in held if one.effective < scene.at - _LONG_AGO)
        alone = (one for one in old if _stands_alone(one) and one.ordinal not in self._touched)
        found = next(alone)
        self._touched.add(found.ordinal)
        return found.ordinal


def _stands_alone(one: Observation) -> bool:
    return one.value is not None and one.comparator is None and one.group is None and one.status == "final"
