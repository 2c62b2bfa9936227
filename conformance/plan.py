"""The plan of a run: which scenarios are played to which vendors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.check import Check
from conformance.drive import Drive
from conformance.judge import Scope
from conformance.manifest import BY_CERTIFICATE, VendorUse


@dataclass(frozen=True)
class CasePlan:
    """One scenario to be played to one vendor with one login method (empty: the room's first client)."""

    drive: Drive
    vendor: str
    kinds: tuple[str, ...]
    auth: str = ""

    @property
    def needs_tls(self) -> bool:
        """Whether the case is played to a server that speaks TLS: for what happens there, or for certificates."""
        return self.drive.has_door or self.auth == BY_CERTIFICATE


def cases(
    every: Iterable[Drive], checks: Mapping[str, Check], uses: Mapping[str, VendorUse], scope: Scope
) -> tuple[CasePlan, ...]:
    """The cases that put the checks to the test, each once a vendor; what feeds no applicable check is left out."""
    planned: list[CasePlan] = []
    for drive in every:
        for vendor, use in uses.items():
            if drive.vendors and vendor not in drive.vendors:
                continue
            if not any(_feeds(drive, one, vendor, scope) for one in checks.values()):
                continue
            planned += [CasePlan(drive, vendor, use.kinds, auth) for auth in _logins(drive, use)]
    return tuple(planned)


def _feeds(drive: Drive, one: Check, vendor: str, scope: Scope) -> bool:
    asked = "*" if one.spans_vendors else vendor
    is_for = drive.family in one.scenarios or drive.scenario in one.scenarios
    return is_for and vendor in one.vendors and not scope.excludes(one, asked)


def _logins(drive: Drive, use: VendorUse) -> tuple[str, ...]:
    """The methods to log in with, one case each. A certificate is the last choice: it takes TLS, as few cases do."""
    others = tuple(one for one in use.auth if one != BY_CERTIFICATE)
    if drive.login == "certificate":
        return tuple(one for one in use.auth if one == BY_CERTIFICATE)
    if drive.login == "every" and others:
        return others
    return others[:1] or use.auth[:1] or ("",)
