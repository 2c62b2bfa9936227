"""Break-the-glass: patients whose charts open only to those who say why, for a while, and who are audited for it.

It is a person who breaks it, for the charts that they open with any app; a service without a person breaks it for
itself. Two degrees: `guarded` opens when the glass is broken; `restricted` (employees, persons of note) does not open
at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from simulator.auth.bearer import user_of
from simulator.auth.users import User
from simulator.exchange import Exchange
from simulator.population.chart.labels import OF_PATIENTS
from simulator.population.world import World
from simulator.refusal import Refusal

LIFE = timedelta(hours=1)  # guess: how long the glass stays broken
PURPOSE = "BTG"  # HL7 v3 ActReason


Degree = Literal["", "guarded", "restricted"]


def who(x: Exchange, user: User | None = None) -> str:
    """Who breaks the glass, and opens charts, in a request: this user, or whoever is behind the token; else the client
    itself."""
    user = user or user_of(x)
    if user is not None:
        return f"user {user.login}"
    return f"client {x.caller.client_id if x.caller is not None else ''}"


@dataclass(slots=True)
class Glass:
    """The guarded patients of one site, and who has broken which glass until when. `vips` holds for every employee or
    public figure of the truth."""

    guarded: frozenset[int] = frozenset()
    restricted: frozenset[int] = frozenset()
    vips: Degree = ""
    _broken: dict[tuple[str, int], datetime] = field(default_factory=dict)

    def put_behind(self, guarded: frozenset[int], restricted: frozenset[int], vips: Degree = "") -> None:
        """These patients and no others; what was broken is whole again."""
        self.guarded, self.restricted, self.vips = guarded, restricted, vips
        self._broken.clear()

    @property
    def is_up(self) -> bool:
        """Whether there is anybody behind it."""
        return bool(self.guarded or self.restricted or self.vips)

    def degree(self, world: World, number: int) -> Degree:
        """How a patient is behind it: the stricter way, if there are two."""
        person = world.person(number) if self.vips else None
        held = {self.vips} if person is not None and OF_PATIENTS & {*person.sensitivity} else set()
        if number in self.restricted or "restricted" in held:
            return "restricted"
        return "guarded" if number in self.guarded or held else ""

    def is_broken(self, whom: str, number: int, now: datetime) -> bool:
        """Whether somebody (see `who`) may see this guarded patient now."""
        until = self._broken.get((whom, number))
        return until is not None and now < until

    def break_for(self, whom: str, number: int, now: datetime) -> datetime:
        """Somebody has said why; gives until when the chart is open to them."""
        until = self._broken[whom, number] = now + LIFE
        return until

    def mend(self, whom: str, number: int) -> None:
        """Somebody has what they wanted, or never mind."""
        self._broken.pop((whom, number), None)

    def check(self, x: Exchange, number: int) -> None:
        """Whether the caller may see this patient; notes the purpose when it broke the glass.

        Raises:
            Refusal: forbidden, with reason restricted_patient or break_the_glass.
        """
        degree = self.degree(x.site.sandbox.world, number)
        if degree == "restricted":
            raise Refusal("forbidden", f"patient {number} is restricted", reason="restricted_patient")
        if not degree:
            return
        if not self.is_broken(who(x), number, x.at):
            raise Refusal("forbidden", f"patient {number} is behind the glass", reason="break_the_glass")
        x.notes["purpose"] = PURPOSE
