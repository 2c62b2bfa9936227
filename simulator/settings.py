"""What a server is started with: one frozen record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.population.dirt import Dirt
    from simulator.vendor import Vendor

AS_OF = date(2026, 1, 5)
FIRST_DAY = date(1950, 1, 1)
LAST_DAY = date(2200, 12, 31)
MAX_PATIENTS = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a server is started with.

    vendors          ids of the rooms to serve; None: all that tell charts
    rooms            rooms at hand, beside those that are found
    dirt             how many defects of each kind the records hold; None: as by default
    port             0: any free one
    control_token    every control call needs it; None: control calls only from this machine
    trust_forwarded  believe `X-Forwarded-Proto`, `-Host` and `-Prefix` of a proxy
    max_body_bytes   longer requests are answered 413
    max_sandboxes    besides `default`
    scenario_folders where scenarios of the user's own lie
    tls              speak HTTPS with a certificate of a local authority
    tls_names        further host names that the certificate is for
    doors            whether every vendor of the default sandbox gets a port of its own
    data_dir         where the authority is kept; None: in memory
    apis             vendor -> the day of its API, when that is not the day that its room is written as of
    """

    seed: int = 7
    patients: int = 10_000
    as_of: date = AS_OF
    dirt: Dirt | None = None
    vendors: tuple[str, ...] | None = None
    rooms: tuple[Vendor, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8400
    control_token: str | None = None
    trust_forwarded: bool = False
    journal_size: int = 100_000
    max_body_bytes: int = 16 * 1024 * 1024
    max_sandboxes: int = 1_000
    scenario_folders: tuple[Path, ...] = ()
    tls: bool = False
    tls_names: tuple[str, ...] = ()
    doors: bool = False
    data_dir: Path | None = None
    apis: Mapping[str, date] = field(default_factory=dict)
