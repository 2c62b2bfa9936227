"""The page where people see which apps they have let in, and end it: a `management_endpoint`.

Source: SMART App Launch 2.2.0, conformance (`management_endpoint`); what it looks like is ours.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from simulator.auth import pages, users
from simulator.auth.form import MEDIA
from simulator.auth.grants import Grant
from simulator.auth.login import user_of
from simulator.auth.manner import Manner
from simulator.auth.visits import Visit
from simulator.exchange import Exchange, Reply


def door(x: Exchange, manner: Manner) -> Reply:
    """The page: a login form, what was granted, and a button for each grant that ends it."""
    form = _form(x)
    if form is None:
        return _page(x, manner)
    if "sitting" not in form:
        found = user_of(x, manner, form.get("username", ""), form.get("password", ""))
        if isinstance(found, str):
            return _page(x, manner, flaw=found)
        return _page(x, manner, visit=x.site.desk.visits.open(x.path, found, x.at))
    visit = x.site.desk.visits.find(form["sitting"], x.path, x.at)
    if visit is None:
        return _page(x, manner, flaw="You were logged out. Log in again.")
    ended = next((grant for grant in _granted(x, visit) if grant.id == form.get("end")), None)
    if ended is not None:
        x.site.desk.grants.end(ended.id)
        x.notes["ended"] = {"grant": ended.id, "user": visit.user.login}
    return _page(x, manner, visit=visit, flaw="" if ended is not None else "There is no such access.")


def _form(x: Exchange) -> dict[str, str] | None:
    """The form of a POST; None for whoever only looks, and for what is no form."""
    media = (x.header("content-type") or "").partition(";")[0].strip().lower()
    if x.method != "POST" or media != MEDIA:
        return None
    try:
        return dict(parse_qsl(x.body.decode("utf-8"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return None


def _granted(x: Exchange, visit: Visit) -> list[Grant]:
    """What this person has granted and not taken back."""
    mine = (visit.user.kind, visit.user.number)
    return [grant for grant in x.site.desk.grants.live if (grant.user.kind, grant.user.number) == mine]


def _page(x: Exchange, manner: Manner, *, visit: Visit | None = None, flaw: str = "") -> Reply:
    rows = []
    for grant in _granted(x, visit) if visit is not None else ():
        client = x.site.clients.get(grant.client_id)
        words = [pages.in_words(scope) for scope in grant.scopes]
        rows.append(
            (grant.id, client.name if client is not None else grant.client_id, grant.at.date().isoformat(), words)
        )
    return pages.html(
        manner.theme,
        "authorizations.html.j2",
        (),
        status=400 if flaw else 200,
        flaw=flaw,
        user=visit.user.name if visit is not None else "",
        sitting=visit.id if visit is not None else "",
        rows=rows,
        action=x.base_url + x.path,
        password=str(x.site.settings.get("password", users.PASSWORD)),
    )
