"""What can be done to a sandbox while it runs: the same actions for the control API and for scenarios.

Each action takes a table of arguments. `check` says in one line what is wrong with one, `check_in` also whether it fits
a given sandbox; the actions themselves trust what was checked.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from simulator.clock import next_moment
from simulator.drift import check_day
from simulator.faults.book import FaultBook
from simulator.faults.kinds import kinds
from simulator.faults.rotation import rotate, rotate_signing
from simulator.limits import SCOPES, WINDOWS
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox, Site
from simulator.switch import named


def add_fault(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`fault`: the contract's fault shape; a fault, or an outage."""
    sandbox.faults.add(args)


def clear_faults(sandbox: Sandbox, args: Any) -> None:
    """`clear_faults = true`: every rule is taken away."""
    for rule in sandbox.faults.rules:
        sandbox.faults.remove(rule.id)


def remove_fault(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`end_fault`: the fault or outage `id` is taken away; one that is not there is no matter."""
    sandbox.faults.remove(args["id"])


def turn_clock(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`clock`: `now`, `next` (the next `monday 08:00 -06:00`), `advance_s`, `skew_s`, `frozen`, `scale`."""
    clock = sandbox.clock
    if args.get("now") is not None:
        clock.set(_instant(args["now"]))
    if args.get("next") is not None:
        clock.set(next_moment(clock.now(), args["next"]))
    if args.get("skew_s") is not None:
        clock.skew = timedelta(seconds=args["skew_s"])
    if args.get("advance_s") is not None:
        clock.advance(timedelta(seconds=args["advance_s"]))
    if args.get("frozen") is True:
        clock.freeze()
    elif args.get("scale") is not None:
        clock.run(args["scale"])
    elif args.get("frozen") is False:
        clock.unfreeze()


def set_limits(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`limits`: the limit `name` of `vendor`, or without them of all: `off`, `scale` times what was delivered, or its
    `calls`, `per_s`, `window`, `scope`, `burst`. A new name with `calls` and `scope` is a new limit."""
    changes = {
        name: args[name] for name in ("calls", "per_s", "window", "scope", "burst") if args.get(name) is not None
    }
    for site in sites_of(sandbox, args.get("vendor")):
        if args.get("off"):
            site.limits.off(args.get("name"))
        elif args.get("scale") is not None:
            site.limits.scale(args["scale"], args.get("name"))
        else:
            for name in [args["name"]] if args.get("name") else [limit.name for limit in site.limits.limits]:
                site.limits.set(name, **changes)


def revoke_tokens(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`revoke`: tokens of `vendor` (of all, without) stop to work, and the grants behind them end: every one, those of
    `client`, or what was granted for `patient` (a key, or an id of the vendor)."""
    for site in sites_of(sandbox, args.get("vendor")):
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


def rotate_keys(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`rotate_keys`: the clients of `vendor` (of all, without) get new secrets and keys; `client` names one. With `of`
    "vendor" it signs with new keys itself. The old ones count for `overlap_s`."""
    overlap = timedelta(seconds=args.get("overlap_s", 0))
    for site in sites_of(sandbox, args.get("vendor")):
        if args.get("of") == "vendor":
            rotate_signing(site, overlap)
            continue
        wanted = args.get("client")
        for client in list(site.clients.values()):
            if wanted in (None, client.name, client.client_id):
                rotate(site, client.client_id, overlap)


def change_settings(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`settings`: a site's habits, `vendor` and `set = { name = value }`."""
    for site in sites_of(sandbox, args.get("vendor")):
        site.change_settings(
            {name: _as_kept(site, name, value) for name, value in args["set"].items() if name in site.settings}
        )


def _as_kept(site: Site, name: str, value: Any) -> Any:
    switch = next((one for one in site.vendor.switches if one.name == name), None)
    return value if switch is None else switch.checked(value, site.vendor.defaults[name])


def switch(site: Site, values: Mapping[str, Any]) -> None:
    """Switches settings of one site, all of them or, when one cannot be, none.

    Raises:
        UsageError: there is no such switch, or it does not take the value.
    """
    room = site.vendor
    site.change_settings(
        {name: named(room.switches, name).checked(value, room.defaults[name]) for name, value in values.items()}
    )


def upgrade(sandbox: Sandbox, args: Mapping[str, Any]) -> None:
    """`upgrade`: the API of `vendor` (of all, without) is that of the day `as_of` from now on, later or earlier."""
    for site in sites_of(sandbox, args.get("vendor")):
        site.upgrade(_day(args["as_of"]))


ACTIONS: dict[str, Callable[[Sandbox, Any], None]] = {
    "fault": add_fault,
    "clear_faults": clear_faults,
    "end_fault": remove_fault,
    "clock": turn_clock,
    "limits": set_limits,
    "revoke": revoke_tokens,
    "rotate_keys": rotate_keys,
    "settings": change_settings,
    "upgrade": upgrade,
}

_NUMBER = (int, float)
MEMBERS: dict[str, dict[str, tuple[type, ...]]] = {
    "end_fault": {"id": (str,)},
    "clock": {
        "now": (str, datetime), "next": (str,), "advance_s": _NUMBER, "skew_s": _NUMBER, "frozen": (bool,),
        "scale": _NUMBER,
    },
    "limits": {
        "vendor": (str,), "name": (str,), "calls": (int,), "per_s": _NUMBER, "off": (bool,), "scale": _NUMBER,
        "window": (str,), "scope": (str,), "burst": (int,),
    },
    "revoke": {"vendor": (str,), "client": (str,), "patient": (str,)},
    "rotate_keys": {"vendor": (str,), "client": (str,), "of": (str,), "overlap_s": _NUMBER},
    "settings": {"vendor": (str,), "set": (dict,)},
    "upgrade": {"vendor": (str,), "as_of": (str, date)},
}  # fmt: skip
CHOICES: dict[str, tuple[str, ...]] = {"window": WINDOWS, "scope": SCOPES, "of": ("clients", "vendor")}


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
        FaultBook(b"").add(args)
        return
    members = MEMBERS[word]
    for name, value in args.items():
        if name not in members:
            near = difflib.get_close_matches(str(name), members, n=1)
            raise UsageError(
                f"`{word}` does not know `{name}`; known: {', '.join(members)}",
                f"did you mean `{near[0]}`?" if near else "",
            )
        if not isinstance(value, members[name]) or (isinstance(value, bool) and bool not in members[name]):
            raise UsageError(f"`{name}` of `{word}` cannot be {value!r}")
    _check_ranges(word, args)


def _check_ranges(word: str, args: Mapping[str, Any]) -> None:
    for name, least in (("advance_s", 0), ("calls", 0), ("burst", 1), ("overlap_s", 0)):
        if args.get(name, least) < least:
            raise UsageError(f"`{name}` of `{word}` is {least} or more: {args[name]!r}")
    for name, known in CHOICES.items():
        if args.get(name, known[0]) not in known:
            raise UsageError(f"`{name}` of `{word}` cannot be {args[name]!r}; accepted: {', '.join(known)}")
    for name in ("scale", "per_s"):
        if args.get(name, 1) <= 0:
            raise UsageError(f"`{name}` of `{word}` is above 0: {args[name]!r}")
    if max(abs(args.get(name, 0)) for name in ("advance_s", "skew_s", "per_s", "overlap_s")) > 1e9:
        raise UsageError(f"`{word}`: more than 1e9 seconds")
    for needed, of in (("set", "settings"), ("id", "end_fault"), ("as_of", "upgrade")):
        if word == of and needed not in args:
            raise UsageError(f"`{of}` needs `{needed}`")
    if args.get("as_of") is not None:
        check_day(_day(args["as_of"]))
    if args.get("now") is not None:
        _instant(args["now"])
    if args.get("next") is not None:
        try:
            next_moment(datetime(2026, 1, 1, tzinfo=UTC), args["next"])
        except ValueError as flaw:
            raise UsageError(f"`next` of `{word}` is {flaw}", "for example monday 08:00 -06:00") from None


def _instant(value: str | datetime) -> datetime:
    """The moment of a TOML date-time, or of text. Raises UsageError."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(f"`now` of `clock` is no moment: {value!r}", "for example 2026-01-05T08:00:00-06:00") from None
    if at.tzinfo is None:
        raise UsageError(f"`now` of `clock` needs an offset: {at.isoformat()}", f"{at.isoformat()}Z")
    return at.astimezone(UTC)


def _day(value: str | date) -> date:
    """The day of a TOML date, or of text. Raises UsageError."""
    try:
        if isinstance(value, str):
            return date.fromisoformat(value)
    except ValueError:
        pass
    else:
        if not isinstance(value, datetime):
            return value
    raise UsageError(f"`as_of` of `upgrade` is no day: {value}", "for example 2026-11-16")


def check_in(sandbox: Sandbox, word: str, args: Any, made: Collection[str] = ()) -> None:
    """Whether the action can be done in this sandbox: it has the vendor, the limit (or will have made it: `made`), the
    setting.

    Raises:
        UsageError: it cannot.
    """
    check(word, args)
    if word == "fault":
        check_door(sandbox, args)
    if word not in ("limits", "revoke", "settings", "rotate_keys", "upgrade"):
        return
    sites = sites_of(sandbox, args.get("vendor"))
    if word == "limits":
        _check_limit(sites, args, made)
    if word == "rotate_keys" and args.get("client"):
        known = sorted({client.name for site in sites for client in site.clients.values()})
        if not any(args["client"] in (one.name, one.client_id) for site in sites for one in site.clients.values()):
            raise UsageError(f'no client "{args["client"]}"; known: {", ".join(known)}')
    if word == "settings":
        known = sorted({name for site in sites for name in site.settings})
        for name in args["set"]:
            if name not in known:
                raise UsageError(f'no setting "{name}"; known: {", ".join(known) or "none"}')
        for site in sites:
            for name in args["set"].keys() & site.settings.keys():
                _as_kept(site, name, args["set"][name])


def check_door(sandbox: Sandbox, fault: Mapping[str, Any]) -> None:
    """Whether a fault that acts on connections has a door to act at.

    Raises:
        UsageError: no vendor has a door of its own, or it does not speak TLS, which the fault is about.
    """
    kind = kinds().get(str(fault.get("fault")))
    if kind is None or not kind.is_of_connections:
        return
    if not sandbox.doors:
        raise UsageError(
            f"fault `{kind.name}` acts on connections, and no vendor of sandbox {sandbox.id} has a port of its own",
            "open one with `POST …/vendors/{vendor}/door`, or start with `serve --doors`",
        )
    if kind.meets is not None and not any(url.startswith("https:") for url in sandbox.doors.values()):
        raise UsageError(f"fault `{kind.name}` needs TLS, which this server does not speak", "start it with `--tls`")


def makes_limit(args: Mapping[str, Any]) -> bool:
    """Whether the action `limits` says enough to make a limit that the vendor has not."""
    return bool(args.get("name")) and args.get("calls") is not None and args.get("scope") is not None


def _check_limit(sites: list[Site], args: Mapping[str, Any], made: Collection[str]) -> None:
    for site in sites if args.get("name") and args["name"] not in made and not makes_limit(args) else ():
        known = [limit.name for limit in site.limits.limits]
        if args["name"] not in known:
            raise UsageError(
                f'{site.vendor.id} has no limit "{args["name"]}"; known: {", ".join(known) or "none"}',
                "with `calls` and `scope` it becomes a new one",
            )


def sites_of(sandbox: Sandbox, vendor: str | None) -> list[Site]:
    if vendor is None:
        return list(sandbox.sites.values())
    if vendor not in sandbox.sites:
        raise UsageError(f'unknown vendor "{vendor}"; known in sandbox {sandbox.id}: {", ".join(sandbox.sites)}')
    return [sandbox.sites[vendor]]
