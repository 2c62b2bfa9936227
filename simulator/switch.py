"""What of a vendor's site can be switched while a sandbox runs: one of its settings, with the values that it takes."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.refusal import UsageError
from simulator.source import Source


@dataclass(frozen=True, slots=True)
class Switch:
    """One setting. Its type is that of the room's default: a truth value, a number, a text or a list of texts.

    name    the setting
    says    what it decides, in a sentence
    source  where it stands that sites differ, or that Epic and the like do so at all
    one_of  the values that it takes, or that a list is made of; empty: any of its type
    least   the smallest number
    shape   the regular expression of a text; empty: any
    traps   the traps that it switches or shapes
    """

    name: str
    says: str
    source: Source
    one_of: tuple[str | int, ...] = ()
    least: float = 0
    shape: str = ""
    traps: tuple[str, ...] = ()

    def checked(self, value: Any, usual: Any) -> Any:
        """`value` as the room keeps it; `usual` is the room's default.

        Raises:
            UsageError: it is not of the type, not one of the values, or too small.
        """
        if isinstance(usual, tuple):
            if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
                raise self._wrong(value, usual)
            strange = [one for one in value if self.one_of and one not in self.one_of]
            if strange:
                raise self._wrong(strange[0], usual)
            return tuple(dict.fromkeys(value))
        is_number = isinstance(usual, int | float) and not isinstance(usual, bool)
        if is_number:
            fits = isinstance(value, int | float if isinstance(usual, float) else int) and not isinstance(value, bool)
            fits = fits and self.least <= value <= _MOST
        else:
            fits = isinstance(value, type(usual)) and len(str(value)) <= _LONGEST
            fits = fits and (not self.shape or re.fullmatch(self.shape, str(value)) is not None)
        if not fits or (self.one_of and value not in self.one_of):
            raise self._wrong(value, usual)
        return value

    def takes(self, usual: Any) -> str:
        """The values in words: `true or false`, `one of "v1", "v2"`, `a number from 0 on`."""
        choices = ", ".join(json.dumps(one) for one in self.one_of[:_TOLD])
        if len(self.one_of) > _TOLD:
            choices += f" … ({len(self.one_of)} in all)"
        if isinstance(usual, tuple):
            return f"a list of {choices or 'texts'}"
        if choices:
            return f"one of {choices}"
        if isinstance(usual, bool):
            return "true or false"
        if isinstance(usual, int | float):
            return f"a {'number' if isinstance(usual, float) else 'whole number'} from {self.least:g} on"
        return f"a text like {self.shape}" if self.shape else "a text"

    def _wrong(self, value: Any, usual: Any) -> UsageError:
        return UsageError(
            f"setting `{self.name}` cannot be {json.dumps(value, default=str)[:200]}", f"it takes {self.takes(usual)}"
        )


_MOST = 1e9
_LONGEST = 500
_TOLD = 6


def named(switches: Iterable[Switch], name: str) -> Switch:
    """The switch called `name`.

    Raises:
        UsageError: there is none.
    """
    known = {one.name: one for one in switches}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(sorted(known)) or 'none'}"
    raise UsageError(f'no setting "{name}" can be switched', hint)
