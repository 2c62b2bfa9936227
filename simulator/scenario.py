"""A scenario: one situation from real life, as a story and a timed list of control actions, in one TOML file.

```toml
story = "The vendor's maintenance window: ten minutes of 503, then a quota that is half as large."
source = "where it happened to somebody"

[[actions]]
fault = { when = { vendor = "epic" }, fault = "status", args = { status = 503 }, window = { for_s = 600 } }

[[actions]]
at_s = 600
limits = { vendor = "epic", name = "per-minute", calls = 30 }
```

`at_s` is sandbox time since the scenario began. Each action has exactly one word of `simulator.actions.ACTIONS`.
A `[drive]` table is for whoever judges an integration meanwhile; it means nothing here. The JSON Schema of these files
is `scenarios/scenario.schema.json` (`emr-sandbox scenarios --schema`); a first line `#:schema PATH` tells editors.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import entry_points
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from simulator.actions import ACTIONS, check, check_in, makes_limit
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox

GROUP = "emr_sandbox.scenarios"
_MEMBERS = ("name", "story", "source", "actions", "drive")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that is done at one moment: `word` is one of `ACTIONS`, `args` what it takes."""

    at_s: float
    word: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation: `story` tells it, `source` says where it happened to somebody."""

    name: str
    story: str
    source: str
    actions: tuple[Action, ...]

    @property
    def title(self) -> str:
        """The first sentence of the story."""
        return self.story.strip().split(". ")[0].split("\n")[0].rstrip(".")

    def to_json(self) -> dict[str, Any]:
        actions = [{"at_s": one.at_s, one.word: one.args} for one in self.actions]
        return {"name": self.name, "story": self.story.strip(), "source": self.source, "actions": actions}


def list_scenarios(folders: Iterable[Path] = ()) -> list[Scenario]:
    """Every scenario of the given folders and of the entry points `emr_sandbox.scenarios`, by name.

    Raises:
        UsageError: some are not scenarios; a line for each mistake in any of them.
    """
    found, flaws = [], []
    for name, place in sorted(_places(folders).items()):
        try:
            found.append(_read(name, place))
        except UsageError as flaw:
            flaws.append(flaw)
    if len(flaws) > 1:
        raise UsageError("\n".join(_in_one_line(one) for one in flaws))
    if flaws:
        raise flaws[0]
    return found


def load(name: str | Path, folders: Iterable[Path] = ()) -> Scenario:
    """The scenario of that name, or in that file.

    Raises:
        UsageError: there is none, or it is not a scenario; the message names file and flaw in one line.
    """
    path = Path(name)
    if path.suffix != ".toml":
        return load_named(str(name), folders)
    if not path.is_file():
        raise UsageError(f"no scenario file at {name}")
    return _read(path.stem, path)


def load_named(name: str, folders: Iterable[Path] = ()) -> Scenario:
    """The scenario of that name; never a path, so that the control API reads no file that it was not given.

    Raises:
        UsageError: there is none, or it is not a scenario.
    """
    places = _places(folders)
    if name not in places:
        near = difflib.get_close_matches(name, places, n=1)
        raise UsageError(
            f'unknown scenario "{name}"; known: {", ".join(sorted(places)) or "none"}',
            f'did you mean "{near[0]}"?' if near else "",
        )
    return _read(name, places[name])


def play(scenario: Scenario, sandbox: Sandbox) -> None:
    """Do the actions of `scenario` in `sandbox`: those at 0 s now, the others when the sandbox clock comes to them.

    Raises:
        UsageError: an action does not fit this sandbox (a vendor or limit that it does not have); nothing is done then.
    """
    made = {action.args["name"] for action in scenario.actions if action.word == "limits" and makes_limit(action.args)}
    for number, action in enumerate(scenario.actions, 1):
        try:
            check_in(sandbox, action.word, action.args, made)
        except UsageError as flaw:
            raise UsageError(f"scenario {scenario.name}: action {number}: {flaw.message}", flaw.hint) from None
    stop(sandbox)
    sandbox.scenario = scenario.name
    for action in scenario.actions:
        if action.at_s == 0:
            ACTIONS[action.word](sandbox, action.args)
    began = sandbox.clock.now()  # after a clock that the scenario puts at its own hour
    for action in scenario.actions:
        if action.at_s > 0:
            act = partial(ACTIONS[action.word], sandbox, action.args)
            sandbox.faults.at(began + timedelta(seconds=action.at_s), act)


def stop(sandbox: Sandbox) -> None:
    """End what plays: no faults, no timed actions, limits as delivered, every API on the day of the sandbox's first
    moment. What was written and revoked stays."""
    if sandbox.scenario is None:
        return
    sandbox.scenario = None
    sandbox.faults.clear()
    for site in sandbox.sites.values():
        site.limits.restore()
        first = sandbox.apis.get(site.vendor.id, site.vendor.drift.as_of)
        if site.as_of != first:
            site.upgrade(first)


def _places(folders: Iterable[Path]) -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    for point in entry_points(group=GROUP):
        found |= _in_folder(point.load())
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"no folder of scenarios at {folder}")
        found |= _in_folder(folder)
    return found


def _in_folder(folder: Traversable) -> dict[str, Traversable]:
    return {place.name.removesuffix(".toml"): place for place in folder.iterdir() if place.name.endswith(".toml")}


def _read(name: str, place: Traversable) -> Scenario:
    """The scenario of a file. Raises UsageError with one line for each mistake: file, line, action, value, way out."""
    try:
        text = place.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as flaw:
        raise UsageError(f"{place}: not TOML: {flaw}") from None
    flaws = [
        UsageError(f"{place}{_line_of(text, number)}: {flaw.message}", flaw.hint) for number, flaw in flaws_of(table)
    ]
    if len(flaws) > 1:
        raise UsageError("\n".join(_in_one_line(one) for one in flaws))
    if flaws:
        raise flaws[0]
    return scenario_of(name, table)


def _in_one_line(flaw: UsageError) -> str:
    return flaw.message + (f" ({flaw.hint})" if flaw.hint else "")


def _line_of(text: str, number: int) -> str:
    """`:LINE` of the `number`-th action's head; empty where the file writes them otherwise, or for 0."""
    heads = [line for line, words in enumerate(text.split("\n"), 1) if re.match(r"\s*\[\[\s*actions\s*\]\]", words)]
    return f":{heads[number - 1]}" if 1 <= number <= len(heads) else ""


def scenario_of(name: str, table: Mapping[str, Any]) -> Scenario:
    """The scenario of a TOML document.

    Raises:
        UsageError: it is not one; the message names the action and the member of the first mistake.
    """
    for _, flaw in flaws_of(table):
        raise flaw
    actions = tuple(_action(one) for one in table.get("actions", []))
    return Scenario(str(table.get("name", name)), table["story"], table["source"], actions)


def flaws_of(table: Mapping[str, Any]) -> Iterator[tuple[int, UsageError]]:
    """Every mistake of a TOML document, with the number of its action (0: the document's own)."""
    for member in table:
        if member not in _MEMBERS:
            near = difflib.get_close_matches(member, _MEMBERS, n=1)
            said = f"a scenario does not know `{member}`; known: {', '.join(_MEMBERS)}"
            yield 0, UsageError(said, f"did you mean `{near[0]}`?" if near else "")
    for member in ("story", "source"):
        if not isinstance(table.get(member), str) or not table[member].strip():
            yield 0, UsageError(f"a scenario has a `{member}`, in words")
    listed = table.get("actions", [])
    if not isinstance(listed, list):
        yield 0, UsageError("`actions` of a scenario is a list of tables")
        return
    for number, one in enumerate(listed, 1):
        try:
            _check_action(one)
        except UsageError as flaw:
            yield number, UsageError(f"action {number}: {flaw.message}", flaw.hint)


def _check_action(table: Any) -> None:
    if not isinstance(table, Mapping):
        raise UsageError(f"not a table: {table!r}")
    at_s = table.get("at_s", 0)
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not 0 <= at_s <= 1e9:
        raise UsageError(f"`at_s` is a number of seconds from 0: {at_s!r}")
    words = [word for word in table if word != "at_s"]
    if len(words) != 1 or words[0] not in ACTIONS:
        near = difflib.get_close_matches(words[0], ACTIONS, n=1) if len(words) == 1 else []
        raise UsageError(
            f"has exactly one of {', '.join(ACTIONS)}; given: {', '.join(words) or 'none'}",
            f"did you mean `{near[0]}`?" if near else "",
        )
    check(words[0], table[words[0]])


def _action(table: Mapping[str, Any]) -> Action:
    word = next(word for word in table if word != "at_s")
    return Action(float(table.get("at_s", 0)), word, table[word])
