"""Launches: what an EHR knows when it opens an app, behind an opaque value that counts once.

Source: SMART App Launch 2.2.0, app-launch: std:SMART-AL-01, std:SMART-AL-16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from simulator.auth.users import User
from simulator.ids import text_of
from simulator.refusal import OAuthRefusal

LIFETIME = timedelta(minutes=5)
CAPACITY = 10_000
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Launch:
    """One opening of an app from inside the EHR.

    `user` is who is logged in there; `patient` and `encounter` (the vendor's id) are on the screen; `facts` go into the
    token answer as they stand (`intent`, `need_patient_banner`, …). `client_id` is the app that was opened.
    """

    text: str = field(repr=False)
    client_id: str
    user: User
    patient: int | None
    encounter: str
    expires: datetime
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    used: bool = False


class LaunchBook:
    """The launches of one site. Bounded: beyond `CAPACITY` the oldest are forgotten."""

    __slots__ = ("_by_text", "_count", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._count = 0
        self._by_text: dict[str, Launch] = {}

    def open(
        self,
        client_id: str,
        user: User,
        *,
        now: datetime,
        patient: int | None = None,
        encounter: str = "",
        facts: Mapping[str, Any] | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> Launch:
        """A new launch."""
        self._count += 1
        text = text_of(self._secret, "launch", self._count, length=43, alphabet=_LETTERS)
        made = self._by_text[text] = Launch(text, client_id, user, patient, encounter, now + lifetime, facts or {})
        if len(self._by_text) > CAPACITY:
            del self._by_text[next(iter(self._by_text))]
        return made

    def take(self, text: str, client_id: str, now: datetime) -> Launch:
        """The launch behind `text`; it counts once.

        Raises:
            OAuthRefusal: invalid_request, with reason launch_unknown, launch_of_another, launch_used, launch_expired.
        """
        found = self._by_text.get(text)
        if found is None:
            raise OAuthRefusal("invalid_request", "launch_unknown", "the launch value is not one of ours")
        if found.client_id != client_id:
            raise OAuthRefusal("invalid_request", "launch_of_another", f"the launch was for {found.client_id}")
        if found.used:
            raise OAuthRefusal("invalid_request", "launch_used", "the launch value was used before")
        if found.expires <= now:
            raise OAuthRefusal("invalid_request", "launch_expired", "the launch value is too old")
        self._by_text[text] = replace(found, used=True)
        return found
