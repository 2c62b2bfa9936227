"""The manifest `emr-conformance.toml`: the only file that the owner of an integration must write."""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.settings import Settings, with_budgets
from simulator.population.records import KINDS
from simulator.refusal import UsageError

NAME = "emr-conformance.toml"
CAPABILITIES = ("read", "match", "sync", "write", "login", "webhook")
BY_CERTIFICATE = "tls_client_auth"
_AUTH = {
    "backend_jwt": "private_key_jwt",
    "private_key_jwt": "private_key_jwt",
    "client_secret_basic": "client_secret_basic",
    "basic": "client_secret_basic",
    "tls_client_auth": BY_CERTIFICATE,
    "mtls": BY_CERTIFICATE,
}


@dataclass(frozen=True)
class VendorUse:
    """What an integration reads at one vendor: kinds, and the login methods it can, first choice first (empty: any)."""

    kinds: tuple[str, ...]
    auth: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Who the integration is, how it is spoken to, and what it declares.

    Exactly one of `command`, `url` and `python` is set. Paths are relative to `folder`.
    """

    name: str
    vendors: Mapping[str, VendorUse]
    declares: tuple[str, ...]
    command: tuple[str, ...] = ()
    url: str = ""
    python: str = ""
    budgets: Mapping[str, Any] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    waivers: str = ""
    folder: Path = Path()
    where: str = NAME
    digest: str = ""

    def settings(self, seed: int) -> Settings:
        """The tolerances with this manifest's budgets."""
        return with_budgets(Settings(seed=seed), self.budgets, self.where)


def read(path: Path, known_vendors: Collection[str]) -> Manifest:
    """The manifest at `path`.

    Raises:
        UsageError: there is none, or something in it is wrong; the message names file, key, value and what is accepted.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror or error}", "`emr-sandbox check --reference` needs no manifest"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not TOML: not UTF-8 at byte {error.start}") from error
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    return _Reader(path).manifest(value, known_vendors, hashlib.sha256(text.encode()).hexdigest()[:16])


class _Reader:
    """Reads tables and complains with file and key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _wrong(self, key: str, says: str, hint: str = "") -> UsageError:
        return UsageError(f"{self._path}: {key}: {says}", hint)

    def manifest(self, value: dict[str, Any], known: Collection[str], digest: str) -> Manifest:
        self._only(value, "", ("integration", "vendors", "budgets", "artifacts", "waivers"))
        owner = self._table(value, "integration")
        self._only(owner, "integration", ("name", "command", "url", "python", "declares"))
        ways = [way for way in ("command", "url", "python") if owner.get(way)]
        if len(ways) != 1:
            given = " and ".join(ways) if ways else "none of them"
            raise self._wrong("integration", f"one of `command`, `url`, `python` is needed; given: {given}")
        artifacts = self._table(value, "artifacts", needed=False)
        self._only(artifacts, "artifacts", ("logs",))
        waivers = self._table(value, "waivers", needed=False)
        self._only(waivers, "waivers", ("file",))
        return Manifest(
            name=self._text(owner, "integration", "name"),
            command=tuple(self._texts(owner, "integration", "command")),
            url=self._text(owner, "integration", "url", needed=False),
            python=self._text(owner, "integration", "python", needed=False),
            declares=self._listed(owner, "integration", "declares", CAPABILITIES),
            vendors=self._vendors(self._table(value, "vendors"), known),
            budgets=self._table(value, "budgets", needed=False),
            logs=tuple(self._texts(artifacts, "artifacts", "logs")),
            waivers=self._text(waivers, "waivers", "file", needed=False),
            folder=self._path.parent,
            where=str(self._path),
            digest=digest,
        )

    def _vendors(self, table: dict[str, Any], known: Collection[str]) -> dict[str, VendorUse]:
        if not table:
            raise self._wrong("vendors", "no vendor is declared", 'for example epic = { kinds = ["patient"] }')
        made = {}
        for vendor, use in table.items():
            key = f"vendors.{vendor}"
            if vendor not in known:
                raise self._wrong(
                    key, f'unknown vendor "{vendor}"; known: {", ".join(sorted(known))}', _near(vendor, known)
                )
            if not isinstance(use, dict):
                raise self._wrong(key, f"not a table: {use!r}", 'for example { kinds = ["patient"] }')
            self._only(use, key, ("kinds", "auth"))
            auth = self._listed(use, key, "auth", tuple(_AUTH)) if "auth" in use else ()
            made[vendor] = VendorUse(
                self._listed(use, key, "kinds", KINDS), tuple(dict.fromkeys(_AUTH[way] for way in auth))
            )
        return made

    def _only(self, table: Mapping[str, Any], key: str, accepted: tuple[str, ...]) -> None:
        for name in table:
            if name not in accepted:
                full = f"{key}.{name}" if key else name
                raise self._wrong(full, f"unknown key; known here: {', '.join(accepted)}", _near(name, accepted))

    def _table(self, value: Mapping[str, Any], key: str, *, needed: bool = True) -> dict[str, Any]:
        found = value.get(key, {} if not needed else None)
        if found is None:
            raise self._wrong(key, "this table is missing", f"add [{key}]")
        if not isinstance(found, dict):
            raise self._wrong(key, f"not a table: {found!r}")
        return found

    def _text(self, table: Mapping[str, Any], key: str, name: str, *, needed: bool = True) -> str:
        found = table.get(name, "")
        if not isinstance(found, str) or (needed and not found):
            raise self._wrong(f"{key}.{name}", f"not a text: {found!r}" if name in table else "is missing")
        return found

    def _texts(self, table: Mapping[str, Any], key: str, name: str) -> list[str]:
        found = table.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self._wrong(f"{key}.{name}", f"not a list of texts: {found!r}")
        return found

    def _listed(self, table: Mapping[str, Any], key: str, name: str, accepted: Collection[str]) -> tuple[str, ...]:
        found = table.get(name)
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not listed:
            flaw = "an empty list" if listed == [] else f"not a list: {found!r}"
            raise self._wrong(f"{key}.{name}", flaw, f"accepted: {', '.join(accepted)}")
        for item in listed:
            if item not in accepted:
                raise self._wrong(
                    f"{key}.{name}",
                    f"not accepted: {item!r}; accepted: {', '.join(accepted)}",
                    _near(str(item), accepted),
                )
        return tuple(dict.fromkeys(listed))


def _near(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f'did you mean "{close[0]}"?' if close else ""
