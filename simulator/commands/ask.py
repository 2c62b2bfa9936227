"""`emr-sandbox url` and `token`: what a person with curl needs of a running server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import httpx

from simulator.auth.request import token_request
from simulator.refusal import UsageError


def _asking_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--control-token", envvar="EMR_SANDBOX_CONTROL_TOKEN", help="Where the server asks for one."),
        click.option("--sandbox", default="default", show_default=True),
        click.option("--server", default="http://127.0.0.1:8400", envvar="EMR_SANDBOX_URL", show_default=True),
        click.option("--vendor", metavar="V", required=True),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("name", default="base_url")
@_asking_options
def url(name: str, vendor: str, server: str, sandbox: str, control_token: str | None) -> None:
    """The URL called NAME (base_url, fhir_url, token_url …) of a vendor on a running server."""
    urls = _of_vendor(_ask(server, f"/sandboxes/{sandbox}", control_token)["vendors"], vendor)
    if name not in urls:
        raise UsageError(f'{vendor} has no "{name}"; known: {", ".join(urls)}')
    click.echo(urls[name])


@click.command()
@click.option("--client", "name", help="One of the ready-made clients; the first without.")
@_asking_options
def token(name: str | None, vendor: str, server: str, sandbox: str, control_token: str | None) -> None:
    """An access token: signs in to a vendor on a running server as a ready-made client, by the vendor's own rules."""
    every = _of_vendor(_ask(server, f"/sandboxes/{sandbox}/clients", control_token), vendor)
    clients = [client for client in every if "redirect_uris" not in client]  # apps need a person who logs in
    chosen = next((client for client in clients if name in (None, client["name"])), None)
    if chosen is None:
        raise UsageError(f'{vendor} has no client "{name}"; known: {", ".join(each["name"] for each in clients)}')
    try:
        headers, form = token_request(chosen)
    except ValueError:
        raise UsageError(f'the client "{chosen["name"]}" signs in without a token: {chosen["auth"]}') from None
    answer = httpx.post(chosen["token_url"], content=form, headers=headers, timeout=30)
    if answer.status_code != 200:
        raise UsageError(f"{vendor} gave no token: status {answer.status_code} {answer.text[:300].strip()}")
    click.echo(answer.json()["access_token"])


def _ask(server: str, path: str, control_token: str | None) -> dict[str, Any]:
    """One GET of the control API. Raises UsageError."""
    headers = {"Authorization": f"Bearer {control_token}"} if control_token else {}
    try:
        answer = httpx.get(f"{server.rstrip('/')}/_sandbox{path}", headers=headers, timeout=30)
        body = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as flaw:
        raise UsageError(f"nobody answers at {server}: {flaw}", "start one with `emr-sandbox serve`") from None
    except ValueError:
        raise UsageError(f"{server} is not a sandbox server", "`--server URL` names one") from None
    if answer.is_error or not isinstance(body, dict):
        raise UsageError(str(body.get("detail", answer.status_code)) if isinstance(body, dict) else str(body))
    return body


def _of_vendor(by_vendor: dict[str, Any], vendor: str) -> Any:
    if vendor not in by_vendor:
        raise UsageError(f'unknown vendor "{vendor}"; known: {", ".join(by_vendor)}')
    return by_vendor[vendor]
