"""What can be done to a sandbox while it runs: the same actions for the control API and for scenarios.

Each action takes a table of arguments. `check` says in one line what is wrong with one, `check_in` also whether it fits
a given sandbox; the actions themselves trust what was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from simulator.faults.rule import Rule
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox, Site


def add_fault(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`fault`: the contract's fault shape."""
    sandbox.faults.add(args)


def clear_faults(sandbox: Sandbox, args: Any) -> None:
    """`clear_faults = true`: every rule is taken away."""
    for rule in sandbox.faults.rules:
        sandbox.faults.remove(rule.id)


def turn_clock(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`clock`: `advance_s`, `skew_s`, `frozen`, `scale`."""
    clock = sandbox.clock
    if args.get("skew_s") is not None:
        clock.skew = timedelta(seconds=args["skew_s"])
    if args.get("advance_s") is not None:
        clock.advance(timedelta(seconds=args["advance_s"]))
    if args.get("frozen") is True:
        clock.freeze()
    elif args.get("frozen") is False or args.get("scale") is not None:
        clock.run(args.get("scale") or clock.scale)


def set_limits(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`limits`: `calls` and `per_s` of the limit `name` of `vendor`, or `off`; without a name or vendor, of all."""
    for site in _sites(sandbox, args.get("vendor")):
        if args.get("off"):
            site.limits.off(args.get("name"))
        else:
            names = [args["name"]] if args.get("name") else [limit.name for limit in site.limits.limits]
            for name in names:
                site.limits.set(name, calls=args.get("calls"), per_s=args.get("per_s"))


def revoke_tokens(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`revoke`: tokens of `vendor` (of all, without) stop to work, and the grants behind them end: every one, those of
    `client`, or what was granted for `patient` (a key, or an id of the vendor)."""
    for site in _sites(sandbox, args.get("vendor")):
        client, patient = args.get("client"), args.get("patient")
        number = patient_number(site, patient) if patient is not None else None
        if patient is not None and number is None:
            continue
        if number is None and client is None:
            site.tokens.revoke_all()
        elif number is None:
            site.tokens.revoke_client(str(client))
        site.desk.grants.end_where(client_id=client, patient=number)


def patient_number(site: Site, named: str) -> int | None:
    """The number of the patient with this key, or this id of the vendor; None when there is none."""
    if named.isascii() and named.isdigit() and len(named) < 12 and site.sandbox.world.person(int(named)) is not None:
        return int(named)
    return site.vendor.patient_of(site, named)


def change_settings(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`settings`: a site's habits, `vendor` and `set = { name = value }`."""
    for site in _sites(sandbox, args.get("vendor")):
        site.settings.update({name: value for name, value in args["set"].items() if name in site.settings})


ACTIONS: dict[str, Callable[[Sandbox, Any], None]] = {
    "fault": add_fault,
    "clear_faults": clear_faults,
    "clock": turn_clock,
    "limits": set_limits,
    "revoke": revoke_tokens,
    "settings": change_settings,
}

_NUMBER = (int, float)
_MEMBERS: dict[str, dict[str, tuple[type, ...]]] = {
    "clock": {"advance_s": _NUMBER, "skew_s": _NUMBER, "frozen": (bool,), "scale": _NUMBER},
    "limits": {"vendor": (str,), "name": (str,), "calls": (int,), "per_s": _NUMBER, "off": (bool,)},
    "revoke": {"vendor": (str,), "client": (str,), "patient": (str,)},
    "settings": {"vendor": (str,), "set": (dict,)},
}


def check(word: str, args: Any) -> None:
    """Whether `args` can be the arguments of the action `word`.

    Raises:
        UsageError: they cannot; the message names the member.
    """
    if word == "clear_faults":
        if args is not True:
            raise UsageError(f"`clear_faults` is true: {args!r}")
        return
    if not isinstance(args, Mapping):
        raise UsageError(f"`{word}` is a table: {args!r}")
    if word == "fault":
        Rule.from_json(args, id="f0", seed=b"", added_at=None)
        return
    members = _MEMBERS[word]
    for name, value in args.items():
        if name not in members:
            raise UsageError(f"`{word}` does not know `{name}`; known: {', '.join(members)}")
        if not isinstance(value, members[name]) or (isinstance(value, bool) and bool not in members[name]):
            raise UsageError(f"`{name}` of `{word}` cannot be {value!r}")
    _check_ranges(word, args)


def _check_ranges(word: str, args: Mapping[str, Any]) -> None:
    for name, least in (("advance_s", 0), ("calls", 0)):
        if args.get(name, least) < least:
            raise UsageError(f"`{name}` of `{word}` is {least} or more: {args[name]!r}")
    for name in ("scale", "per_s"):
        if args.get(name, 1) <= 0:
            raise UsageError(f"`{name}` of `{word}` is above 0: {args[name]!r}")
    if max(abs(args.get(name, 0)) for name in ("advance_s", "skew_s", "per_s")) > 1e9:
        raise UsageError(f"`{word}`: more than 1e9 seconds")
    if word == "settings" and "set" not in args:
        raise UsageError("`settings` needs `set`")


def check_in(sandbox: Sandbox, word: str, args: Any) -> None:
    """Whether the action can be done in this sandbox: it has the vendor, the limit, the setting.

    Raises:
        UsageError: it cannot.
    """
    check(word, args)
    if word in ("limits", "revoke", "settings"):
        sites = _sites(sandbox, args.get("vendor"))
        for site in sites if word == "limits" and args.get("name") else ():
            known = [limit.name for limit in site.limits.limits]
            if args["name"] not in known:
                raise UsageError(f'{site.vendor.id} has no limit "{args["name"]}"; known: {", ".join(known) or "none"}')
        if word == "settings":
            known = sorted({name for site in sites for name in site.settings})
            for name in args["set"]:
                if name not in known:
                    raise UsageError(f'no setting "{name}"; known: {", ".join(known) or "none"}')


def _sites(sandbox: Sandbox, vendor: str | None) -> list[Site]:
    if vendor is None:
        return list(sandbox.sites.values())
    if vendor not in sandbox.sites:
        raise UsageError(f'unknown vendor "{vendor}"; known in sandbox {sandbox.id}: {", ".join(sandbox.sites)}')
    return [sandbox.sites[vendor]]
