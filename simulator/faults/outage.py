"""An outage: several faults under one name, as they come together in life. `outages/` holds one a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.faults.fault import Arg, Args, arguments, arguments_schema
from simulator.faults.rule import Rule, table_of_args
from simulator.faults.window import Window
from simulator.refusal import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """One kind of outage. `parts` gives the faults it is made of, in the contract's shape, from its arguments; their
    windows count from its beginning."""

    name: str
    says: str
    args: Mapping[str, Arg]
    parts: Callable[[Args], Sequence[Mapping[str, Any]]]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return arguments_schema(self.args)


@dataclass(frozen=True, slots=True)
class Outbreak:
    """An outage in a sandbox: what was asked for, and the rules that it became."""

    id: str
    asked: Mapping[str, Any]
    rules: tuple[Rule, ...]

    def to_json(self) -> dict[str, Any]:
        """The contract's `fault` shape, with the rules; `matches` and `hits` are theirs together."""
        return {
            "id": self.id,
            "when": self.asked.get("when") or {},
            "fault": self.asked["fault"],
            "args": self.asked.get("args") or {},
            "window": self.asked.get("window"),
            "matches": sum(rule.matches for rule in self.rules),
            "hits": sum(rule.hits for rule in self.rules),
            "rules": [rule.to_json() for rule in self.rules],
        }


def parts_of(kind: Outage, value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The faults of an outage, each confined to the outage's selector and begun with its window.

    Raises:
        UsageError: an argument or member is not acceptable.
    """
    for name in ("share", "budget", "skip", "seed"):
        if value.get(name) is not None:
            raise UsageError(
                f"outage `{kind.name}` takes no `{name}`", f"its arguments: {', '.join(kind.args) or 'none'}"
            )
    outer = Window.from_json(value.get("window"))
    if outer is not None and outer.every_s is not None:
        raise UsageError(f"the window of outage `{kind.name}` has no `every_s`", "`flapping` comes and goes")
    made = []
    for part in kind.parts(arguments(kind.name, kind.args, table_of_args(value))):
        when = [one for one in (value.get("when"), part.get("when")) if one]
        inner = Window.from_json(part.get("window")) or Window()
        window = inner.within(outer) if outer is not None or part.get("window") else None
        made.append(
            {**part, "when": when[0] if len(when) == 1 else {"all": when} if when else {}}
            | ({"window": window.to_json()} if window is not None else {})
        )
    return made
