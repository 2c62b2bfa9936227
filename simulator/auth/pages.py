"""The pages of a login: plain forms, no script, nothing from elsewhere, a strict Content-Security-Policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from simulator.auth import scopes, users
from simulator.auth.manner import Manner, Theme
from simulator.auth.sittings import Sitting
from simulator.exchange import Exchange, Reply
from simulator.population.records import Person

_SHOWN = 20  # patients on one page of the picker
_VERBS = {"c": "create", "r": "read", "u": "change", "d": "delete", "s": "search"}
_PLAIN = {
    "openid": "Know who you are",
    "fhirUser": "Know who you are",
    "profile": "Know who you are",
    "launch": "Know what is open in the EHR",
    "launch/patient": "Know which patient this is about",
    "launch/encounter": "Know which encounter this is about",
    "online_access": "Keep access while you are logged in",
    "offline_access": "Keep access when you are not there",
}


@cache
def environment() -> Environment:
    """The templates of the login."""
    folder = files("simulator.auth").joinpath("templates")
    texts = {one.name: one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(".j2")}
    return Environment(autoescape=True, undefined=StrictUndefined, loader=DictLoader(texts), trim_blocks=True)


def login(x: Exchange, manner: Manner, sitting: Sitting, *, flaw: str = "") -> Reply:
    """The form for user name and password."""
    return _page(x, manner, sitting, "login.html.j2", status=400 if flaw else 200, flaw=flaw)


def picker(x: Exchange, manner: Manner, sitting: Sitting, find: str, *, flaw: str = "") -> Reply:
    """The form in which a practitioner (or a proxy) chooses a patient."""
    assert sitting.user is not None
    world = x.sandbox.world
    own = sitting.user.patients if sitting.user.kind == "patient" else ()
    numbers: Iterable[int] = own or _found(x, find)
    people = [(number, _described(person)) for number in numbers if (person := world.person(number)) is not None]
    status = 400 if flaw else 200
    return _page(
        x, manner, sitting, "picker.html.j2", status=status, flaw=flaw, find=find, people=people, own=bool(own)
    )


def _found(x: Exchange, find: str) -> list[int]:
    """Patients whose family name is, or begins with, what was typed; the first of all when nothing was."""
    world = x.sandbox.world
    if not find.strip():
        return list(range(min(_SHOWN, world.population.size)))
    found: list[int] = []
    for number in world.find(family=find.strip()):
        found.append(number)
        if len(found) == _SHOWN:
            break
    return found


def _described(person: Person) -> str:
    return f"{person.family}, {' '.join(person.given)}, born {person.birth_date.isoformat()}"


def consent(x: Exchange, manner: Manner, sitting: Sitting, offered: Iterable[str]) -> Reply:
    """The form in which a person says what the app may do."""
    rows = [(scope, in_words(scope)) for scope in offered]
    person = x.sandbox.world.person(sitting.patient) if sitting.patient is not None else None
    whose = _described(person) if person is not None else ""
    return _page(x, manner, sitting, "consent.html.j2", rows=rows, whose=whose)


def in_words(text: str) -> str:
    """A scope in plain words."""
    scope = scopes.parse(text)
    if scope is None:
        return _PLAIN.get(text, text)
    what = "every record" if scope.type == "*" else f"{scope.type} records"
    verbs = ", ".join(_VERBS[letter] for letter in scope.actions)
    narrow = (
        f", only where {' and '.join(f'{name} is {value}' for name, value in scope.filter)}" if scope.filter else ""
    )
    return f"{verbs[0].upper()}{verbs[1:]} {what}{narrow}"


def refusal_page(theme: Theme, title: str, text: str, status: int = 400) -> Reply:
    """A page that says why nobody can be sent anywhere."""
    return html(theme, "refusal.html.j2", (), status=status, title=title, text=text)


def _page(x: Exchange, manner: Manner, sitting: Sitting, template: str, *, status: int = 200, **told: Any) -> Reply:
    told |= {
        "action": x.base_url + x.path,
        "sitting": sitting.id,
        "app": sitting.asked.client.name,
        "user": sitting.user.name if sitting.user is not None else "",
        "password": str(x.site.settings.get("password", users.PASSWORD)),
    }
    return html(manner.theme, template, (_target(sitting.asked.redirect_uri),), status=status, **told)


def _target(uri: str) -> str:
    """The origin (or scheme) that the last form leads to: browsers hold redirects against `form-action`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def html(
    theme: Theme,
    template: str,
    targets: Iterable[str],
    *,
    status: int = 200,
    referrer: str = "no-referrer",
    **told: Any,
) -> Reply:
    """A page of ours as a reply. `targets` are where its form may lead beside its own origin."""
    style = environment().get_template("style.css.j2").render(theme=theme)
    text = environment().get_template(template).render(theme=theme, style=Markup(style), **told)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self' {' '.join(targets)}".rstrip()
        + "; base-uri 'none'; frame-ancestors 'none'"
    )
    return Reply(
        status,
        text.encode(),
        [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", policy.encode()),
            (b"x-frame-options", b"DENY"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", referrer.encode()),
            (b"cache-control", b"no-store"),
            (b"pragma", b"no-cache"),
        ],
    )
