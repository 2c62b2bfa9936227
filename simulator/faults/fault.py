"""What a kind of fault is: its name, what it does, which arguments it takes, and where it acts."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from simulator.exchange import Reply
from simulator.refusal import Refusal, UsageError

if TYPE_CHECKING:
    from simulator.faults.act import Act

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """What the byte edge must do to an answer; several of these on one answer are joined by `and_then`.

    sent          how much of the answer leaves: all, nothing, its head, or `cut_after` bytes of its body
    end           what becomes of the connection then: it is kept, closed (FIN) or reset (RST)
    hold_s        before that it is kept open so long, without another byte, while the caller waits
    piece_bytes   the body leaves in pieces of so many bytes (0: at once) …
    pause_s       … so far apart …
    rate_bytes_s  … or as fast as a line of this bandwidth
    chunked       without Content-Length, in chunks; `tail` is written raw where the last chunk should be
    """

    sent: Literal["all", "nothing", "headers", "part"] = "all"
    cut_after: int = 0
    end: Literal["keep", "close", "reset"] = "keep"
    hold_s: float = 0.0
    piece_bytes: int = 0
    pause_s: float = 0.0
    rate_bytes_s: float = 0.0
    chunked: bool = False
    tail: bytes = b""

    def and_then(self, later: Wire) -> Wire:
        """Both: what `later` says of the line stands, what it does not speak of stays."""
        said = {one.name: getattr(later, one.name) for one in fields(later) if getattr(later, one.name) != one.default}
        return replace(self, **said)


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a fault: its type, its default (`...`: must be given), what it means, what is accepted."""

    type: type | tuple[type, ...]
    default: Any
    says: str
    one_of: tuple[Any, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    fits: Callable[[Any], bool] | None = None

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of this argument."""
        types = self.type if isinstance(self.type, tuple) else (self.type,)
        names = {int: "integer", float: "number", str: "string", bool: "boolean", dict: "object", type(None): "null"}
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


def milliseconds(default: Any, says: str) -> Arg:
    """An argument that is a real duration of at most ten minutes, in milliseconds."""
    return Arg((int, float), default, f"{says}: milliseconds, 0 to 600000", at_least=0, at_most=600_000)


def seconds(default: Any, says: str) -> Arg:
    """An argument that is a duration of sandbox time, in seconds."""
    return Arg((int, float), default, f"{says}: seconds, 0 to 1e9", at_least=0, at_most=1e9)


def whole(default: Any, says: str, least: int = 0) -> Arg:
    """An argument that is a whole number."""
    return Arg(int, default, f"{says}, {least} or more", at_least=least)


def share(default: Any, says: str) -> Arg:
    """An argument that is a share."""
    return Arg((int, float), default, f"{says}, 0 to 1", at_least=0, at_most=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One kind of fault.

    name     Toxiproxy's or WireMock's word where they mean the same
    says     one sentence
    args     name -> Arg
    refuses  the refusal that stands in for the answer, dressed by the vendor; None: the answer is made as usual
    before   acts before the request is handled: changes the caller's standing, the request, the clock
    spoil    alters the finished answer; gives a new Reply, never changes the one it got
    around   surrounds the making of the answer, which is one step: nothing else happens meanwhile
    meets    what a connection to the vendor's own door meets before its first byte; not seen by exchanges
    shuts    nobody listens at the vendor's own door while the rule is open; share and budget do not count
    wait     how many real seconds the answer is held back, counted from the arrival of the request
    wire     what happens where the bytes leave; None: nothing, this time
    """

    name: str
    says: str
    args: Mapping[str, Arg]
    refuses: Callable[[Act], Refusal | None] | None = None
    before: Callable[[Act], None] | None = None
    spoil: Callable[[Reply, Act], Reply] | None = None
    meets: Callable[[Act], str] | None = None
    shuts: bool = False
    around: Callable[[Act], AbstractContextManager[None]] | None = None
    wait: Callable[[Act], float] | None = None
    wire: Callable[[Act], Wire | None] | None = None

    @property
    def is_of_connections(self) -> bool:
        """Whether it acts where connections are made, not on exchanges."""
        return self.meets is not None or self.shuts

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with their defaults.

        Raises:
            UsageError: one is unknown, missing, or out of its range.
        """
        return arguments(self.name, self.args, given)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return arguments_schema(self.args)


def arguments(fault: str, known: Mapping[str, Arg], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given for the arguments of `fault`, with the defaults of those that were not. Raises UsageError."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"fault `{fault}` does not know `{name}`; known: {', '.join(known) or 'no arguments'}",
                f"did you mean `{near[0]}`?" if near else "",
            )
    made = {}
    for name, arg in known.items():
        value = given.get(name, arg.default)
        if value is ...:
            raise UsageError(f"fault `{fault}` needs `{name}`: {arg.says}")
        if name in given:
            _check(fault, name, arg, value)
        made[name] = value
    return made


def arguments_schema(args: Mapping[str, Arg]) -> dict[str, Any]:
    """The JSON Schema of a table of arguments."""
    return {
        "type": "object",
        "properties": {name: arg.schema() for name, arg in args.items()},
        "required": [name for name, arg in args.items() if arg.default is ...],
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
    if fits and arg.fits is not None:
        fits = arg.fits(value)
    if not fits:
        accepted = ", ".join(map(str, arg.one_of)) or arg.says
        raise UsageError(f"`{name}` of fault `{fault}` cannot be {value!r}; accepted: {accepted}")
