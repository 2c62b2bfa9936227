"""`emr-sandbox serve`: the server, until it is told to stop."""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

import click
import orjson

from simulator import collector, registry, scenario
from simulator.commands.flags import json_option, population_options, scenarios_option, settings_of, vendor_option
from simulator.control.access import is_loopback
from simulator.drift import check_day
from simulator.edge import EdgeServer, listen, url_of
from simulator.refusal import UsageError
from simulator.server import Server, ready
from simulator.tls.authority import default_data_dir

_NAME = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8400, show_default=True, help="0 picks a free one.")
@vendor_option
@population_options
@click.option(
    "--api-as-of", "apis", metavar="V=DATE", multiple=True, help="The day of a vendor's API; as its room is written."
)
@click.option("--scenario", "story", metavar="S", help="Plays from the beginning; a name or a TOML file.")
@scenarios_option
@click.option(
    "--control-token", envvar="EMR_SANDBOX_CONTROL_TOKEN", help="Control calls need it, and may come from anywhere."
)
@click.option("--trust-forwarded", is_flag=True, help="Believe the X-Forwarded headers of a proxy.")
@click.option("--journal-size", type=click.IntRange(1), default=100_000, show_default=True, help="Exchanges kept.")
@json_option
@click.option("--tls", is_flag=True, help="HTTPS, with a certificate of a local authority.")
@click.option("--tls-name", "tls_names", metavar="NAME", multiple=True, help="A further host name of the certificate.")
@click.option("--doors", is_flag=True, help="A port of its own for every vendor, where faults on connections act.")
@click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the local authority is kept; a folder of the user's without.",
)
@click.option("--workers", type=int, hidden=True)
@click.option("--state", hidden=True)
def serve(
    host: str, port: int, vendors: tuple[str, ...], seed: int, patients: int, as_of: str, dirt: str,
    apis: tuple[str, ...], story: str | None,
    folders: tuple[Path, ...], control_token: str | None, trust_forwarded: bool, journal_size: int, as_json: bool,
    tls: bool, tls_names: tuple[str, ...], doors: bool, data_dir: Path | None, workers: int | None, state: str | None,
) -> None:  # fmt: skip
    """Run the server until it is told to stop."""
    later = {"--workers": workers not in (None, 1), "--state": state}
    for flag, given in later.items():
        if given:
            raise UsageError(f"not yet simulated: `{flag}`", "leave it away; the server runs in one process, in memory")
    if not 0 <= port <= 65535:
        raise UsageError(f"`--port` is out of range: {port}", "0 to 65535; 0 picks a free one")
    if not tls and (tls_names or data_dir):
        flag = "--tls-name" if tls_names else "--data-dir"
        raise UsageError(f"`{flag}` is for `--tls`, which is not there", "add `--tls`")
    settings = settings_of(
        seed=seed, patients=patients, as_of=as_of, dirt=dirt, vendors=vendors, host=host, port=port,
        control_token=control_token, trust_forwarded=trust_forwarded, journal_size=journal_size,
        scenario_folders=folders, apis=_apis(apis),
        tls=tls, tls_names=_names(tls_names), doors=doors, data_dir=(data_dir or default_data_dir()) if tls else None,
    )  # fmt: skip
    played = scenario.load(story, folders) if story else None
    server = Server(settings)
    if played is not None and not doors:
        scenario.play(played, server.sandboxes.default)
    plug = listen(host, port)
    try:
        edge = server.edge()
        if played is not None and doors:  # it may speak of doors, which are there when the server is up
            edge.then(lambda: scenario.play(played, server.sandboxes.default))
        edge.on_ready = lambda: _tell_ready(server, url_of(plug, "https" if tls else "http"), edge, as_json=as_json)
        collector.spare()
        edge.run([plug])
    finally:
        plug.close()


def _apis(given: tuple[str, ...]) -> dict[str, date]:
    found = {}
    for one in given:
        vendor, _, day = one.partition("=")
        try:
            found[registry.vendor(vendor).id] = date.fromisoformat(day)
        except ValueError:
            raise UsageError(f"`--api-as-of` is no vendor and day: {one}", "for example epic=2024-08-01") from None
        check_day(found[vendor])
    return found


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    for one in given:
        if not _NAME.fullmatch(one):
            raise UsageError(f"`--tls-name` is no host name: {one!r}", "for example emr.internal, or an address")
    return given


def _tell_ready(server: Server, url: str, edge: EdgeServer, *, as_json: bool) -> None:
    told = ready(url, server.sandboxes.default)
    settings = server.settings
    if settings.tls:
        told["ca_file"] = str(server.authority.ca_file)
    try:
        click.echo(orjson.dumps(told) if as_json else f"emr-sandbox is ready: {url}")
        sys.stdout.flush()
    except BrokenPipeError:
        edge.stop()
        return
    if as_json:
        return
    for id, urls in told["vendors"].items():
        click.echo(f"  {id:10}{urls.get('fhir_url') or urls['base_url']}", err=True)
    click.echo(f"  {'control':10}{told['control']}", err=True)
    if settings.tls:
        click.echo(f"  {'ca file':10}{told['ca_file']}", err=True)
    click.echo(
        f"seed {settings.seed}, {settings.patients:,} patients, as of {settings.as_of}; stop with Ctrl-C", err=True
    )
    if not is_loopback(settings.host) and settings.control_token is None:
        click.echo("control calls come only from this machine; `--control-token` opens them to others", err=True)
