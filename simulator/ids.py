"""Keyed chance and keyed bijections: everything random is derived by name from a seed, and every id can be inverted.

All arithmetic that decides membership is on integers: the same answer on every platform and Python version.
"""

from __future__ import annotations

import hashlib
import math
import struct
from uuid import UUID

M64 = (1 << 64) - 1
_A = 0x9E3779B97F4A7C15
_B = 0xD6E8FEB86659FD93


def seed_bytes(*parts: str | int) -> bytes:
    """A 32-byte key for (parts), the same in every process and language: length-prefixed UTF-8 under BLAKE2b."""
    packed = b"".join(struct.pack("<I", len(raw)) + raw for raw in (str(part).encode() for part in parts))
    return hashlib.blake2b(packed, digest_size=32).digest()


def h64(seed: bytes, *parts: str | int) -> int:
    """One 64-bit value of (seed, parts)."""
    packed = b"".join(struct.pack("<I", len(raw)) + raw for raw in (str(part).encode() for part in parts))
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8, key=seed).digest(), "little")


def mix(x: int, key: int) -> int:
    """A cheap keyed 64-bit mixer for inner loops; not cryptographic."""
    x = ((x + key) * _A) & M64
    x = ((x ^ (x >> 32)) * _B) & M64
    x = ((x ^ (x >> 32)) * _B) & M64
    return x ^ (x >> 32)


def text_of(seed: bytes, *parts: str | int, length: int = 32, alphabet: str = "0123456789abcdef") -> str:
    """A string of `length` letters of `alphabet`, derived from (seed, parts)."""
    packed = b"".join(struct.pack("<I", len(raw)) + raw for raw in (str(part).encode() for part in parts))
    raw = hashlib.shake_128(seed + packed).digest(2 * length)
    size = len(alphabet)
    return "".join(alphabet[(raw[2 * i] << 8 | raw[2 * i + 1]) % size] for i in range(length))


def uuid_of(*parts: str | int) -> str:
    """A UUID of (parts), of version 4 by its form."""
    return str(UUID(bytes=seed_bytes(*parts)[:16], version=4))


class Stream:
    """The random stream of (seed, patient, domain): SHAKE-128 read in 64-bit words.

    One stream a domain ("labs", "names", …): a draw added in one domain never moves another.
    """

    __slots__ = ("_key", "_n", "_words")

    def __init__(self, seed: bytes, i: int, domain: str, words: int = 32) -> None:
        self._key = seed + struct.pack("<Q", i) + domain.encode()
        self._words = struct.unpack(f"<{words}Q", hashlib.shake_128(self._key).digest(8 * words))
        self._n = 0

    def u64(self) -> int:
        """The next 64-bit word."""
        if self._n >= len(self._words):  # rare: lengthen; SHAKE output is prefix-stable
            k = len(self._words) * 2
            self._words = struct.unpack(f"<{k}Q", hashlib.shake_128(self._key).digest(8 * k))
        value = self._words[self._n]
        self._n += 1
        return int(value)

    def word(self, place: int) -> int:
        """The word at a place among those that were asked for at first, whatever has been drawn."""
        return int(self._words[place])

    def below(self, n: int) -> int:
        """A uniform integer in [0, n)."""
        return (self.u64() * n) >> 64

    def chance(self, per_million: int) -> bool:
        """True for `per_million` of a million draws; always takes one draw."""
        return self.below(1_000_000) < per_million

    def normal(self) -> float:
        """A standard normal deviate as the sum of 12 uniforms: no libm call, so bit-identical everywhere; |z| <= 6."""
        total = 0
        for _ in range(3):
            v = self.u64()
            total += (v & 0xFFFF) + (v >> 16 & 0xFFFF) + (v >> 32 & 0xFFFF) + (v >> 48)
        return (total + 6) / 65536.0 - 6.0


class Permutation:
    """A keyed bijection of [0, n): Feistel with modular addition on a*b >= n, a ~ sqrt n, three double rounds.

    The excess a*b - n is below sqrt n, so cycle-walking is needed with probability about 1/sqrt n.
    """

    __slots__ = ("_a", "_b", "_keys", "n")

    def __init__(self, n: int, seed: bytes, tweak: str) -> None:
        self.n = n
        self._a = max(1, math.isqrt(n))
        self._b = -(-n // self._a)
        self._keys = tuple((h64(seed, "perm", tweak, 2 * r), h64(seed, "perm", tweak, 2 * r + 1)) for r in range(3))

    def forward(self, x: int) -> int:
        """The image of `x` in [0, n)."""
        a, b, n = self._a, self._b, self.n
        while True:
            r, left = divmod(x, a)
            for k1, k2 in self._keys:
                z = ((r ^ k1) * _A) & M64
                z = ((z ^ (z >> 32)) * _B) & M64
                left = (left + (z >> 20)) % a
                z = ((left ^ k2) * _A) & M64
                z = ((z ^ (z >> 32)) * _B) & M64
                r = (r + (z >> 20)) % b
            x = left + a * r
            if x < n:
                return x

    def inverse(self, x: int) -> int:
        """The `y` with `forward(y) == x`."""
        a, b, n = self._a, self._b, self.n
        while True:
            r, left = divmod(x, a)
            for k1, k2 in reversed(self._keys):
                z = ((left ^ k2) * _A) & M64
                z = ((z ^ (z >> 32)) * _B) & M64
                r = (r - (z >> 20)) % b
                z = ((r ^ k1) * _A) & M64
                z = ((z ^ (z >> 32)) * _B) & M64
                left = (left - (z >> 20)) % a
            x = left + a * r
            if x < n:
                return x
