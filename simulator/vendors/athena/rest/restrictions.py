"""Restricted patients: left out without a word wherever patients are listed, unless `ignorerestrictions=true` is said.

Who they are, the control API says (`PUT …/vendors/athena/glass {"restricted": […], "vips": "restricted"}`).

Source: SOURCES.md, "Claims" (the parameter and the silence: doc; who they are, and a single one: guess).
"""

from __future__ import annotations

from simulator.exchange import Exchange
from simulator.vendors.athena.rest import wire

FLAG = "ignorerestrictions"
SETTING = "restricts_patients"
"""Site setting: whether patients can be restricted."""


class Restrictions:
    """Who is left out of the answer to one request."""

    def __init__(self, x: Exchange, query: wire.Query) -> None:
        """Raises Refusal, reason not_boolean."""
        self._world = x.site.sandbox.world
        self._glass = x.site.desk.glass
        self._are_ignored = query.flag(FLAG)

    def hide(self, number: int) -> bool:
        """Whether a patient is left out."""
        return not self._are_ignored and self._glass.is_up and self._glass.degree(self._world, number) != ""
