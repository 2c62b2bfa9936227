"""The keys that a vendor signs with: id_tokens, access tokens. They rotate, and for a while the old ones are published
beside the new.

A client that keeps a key set must look again when a token names a key that is not in it (RFC 7517 section 4.5, OpenID
Connect Core section 10.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from simulator.auth.keyring import SLOTS, SigningKey, key
from simulator.ids import seed_bytes

_STEP = 2  # two keys of one vendor lie beside each other in the keyring: they must not take each other's place


@dataclass(frozen=True, slots=True)
class Signing:
    """Which generation of its keys a site signs with; `former` are those that are still published, and until when.

    A room names its keys by their slots in the keyring, as of generation 0.
    """

    generation: int = 0
    former: tuple[tuple[int, datetime], ...] = ()

    def rotated(self, until: datetime) -> Signing:
        """The next generation; the present one is published until `until`."""
        return Signing(self.generation + 1, (*self.former, (self.generation, until)))

    def key(self, slot: int) -> SigningKey:
        """What signs now where generation 0 signed with `slot`."""
        return _of(slot, self.generation)

    def published(self, now: datetime, *slots: int) -> list[SigningKey]:
        """The keys of a key set: those that sign now, then those that may have signed what is still about."""
        return [_of(slot, generation) for generation in self.generations(now) for slot in slots]

    def generations(self, now: datetime) -> list[int]:
        """The generations whose keys are published, the present one first."""
        kept = [generation for generation, until in reversed(self.former) if now < until]
        return [self.generation, *kept]


def seed_of(seed: bytes, generation: int) -> bytes:
    """The seed of a key that is derived instead of taken from the keyring; generation 0 is the seed itself."""
    return seed if generation == 0 else seed_bytes("signing key", seed.hex(), generation)


def _of(slot: int, generation: int) -> SigningKey:
    return key((slot + _STEP * generation) % SLOTS)
