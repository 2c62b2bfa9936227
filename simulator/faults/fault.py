"""What a kind of fault is: its name, what it does, which arguments it takes, and where it acts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulator.exchange import Exchange, Reply
from simulator.refusal import Refusal, UsageError

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """What the byte edge must do to an answer.

    reset      the connection is reset (TCP RST) after `sent`: nothing of the answer, or its head
    cut_after  only so many bytes of the body are sent under the full Content-Length, then the connection is closed
    """

    sent: Literal["nothing", "headers", "part"]
    cut_after: int = 0


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a fault: its type, its default (`...`: must be given), what it means, what is accepted."""

    type: type | tuple[type, ...]
    default: Any
    says: str
    one_of: tuple[Any, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of this argument."""
        types = self.type if isinstance(self.type, tuple) else (self.type,)
        names = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}
        named = [names[one] for one in types if not (one is int and float in types)]
        made: dict[str, Any] = {"type": named[0] if len(named) == 1 else named, "description": self.says}
        if self.default is not ...:
            made["default"] = self.default
        if self.one_of:
            made["enum"] = list(self.one_of)
        if self.at_least is not None:
            made["minimum"] = self.at_least
        if self.at_most is not None:
            made["maximum"] = self.at_most
        return made


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One kind of fault.

    name     Toxiproxy's or WireMock's word where they mean the same
    says     one sentence
    args     name -> Arg
    refuses  the refusal that stands in for the answer, dressed by the vendor; None: the answer is made as usual
    before   acts before the request is handled: waits, changes the caller's standing
    spoil    alters the finished answer; gives a new Reply, never changes the one it got
    wire     what happens where the bytes leave
    """

    name: str
    says: str
    args: Mapping[str, Arg]
    refuses: Callable[[Args], Refusal | None] | None = None
    before: Callable[[Args, Exchange, int], Awaitable[None]] | None = None
    spoil: Callable[[Reply, Args, Exchange, int], Reply] | None = None
    wire: Callable[[Args], Wire] | None = None

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with their defaults.

        Raises:
            UsageError: one is unknown, missing, or out of its range.
        """
        for name in given:
            if name not in self.args:
                raise UsageError(
                    f"fault `{self.name}` does not know `{name}`; known: {', '.join(self.args) or 'no arguments'}"
                )
        made = {}
        for name, arg in self.args.items():
            value = given.get(name, arg.default)
            if value is ...:
                raise UsageError(f"fault `{self.name}` needs `{name}`: {arg.says}")
            if name in given:
                _check(self.name, name, arg, value)
            made[name] = value
        return made

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": {name: arg.schema() for name, arg in self.args.items()},
            "required": [name for name, arg in self.args.items() if arg.default is ...],
            "additionalProperties": False,
        }


def _check(fault: str, name: str, arg: Arg, value: Any) -> None:
    types = arg.type if isinstance(arg.type, tuple) else (arg.type,)
    is_number_for_float = float in types and isinstance(value, int) and not isinstance(value, bool)
    fits = is_number_for_float or (isinstance(value, types) and not (isinstance(value, bool) and bool not in types))
    if fits and arg.one_of and value not in arg.one_of:
        fits = False
    if fits and isinstance(value, int | float) and not isinstance(value, bool):
        fits = (arg.at_least is None or value >= arg.at_least) and (arg.at_most is None or value <= arg.at_most)
    if not fits:
        accepted = ", ".join(map(str, arg.one_of)) or arg.says
        raise UsageError(f"`{name}` of fault `{fault}` cannot be {value!r}; accepted: {accepted}")
