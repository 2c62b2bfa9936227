"""`emr-sandbox vendors`, `faults`, `drift`, `scenarios` and `explain`: what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from simulator import catalog, registry, scenario, scenario_schema
from simulator.commands.flags import json_option, scenarios_option, vendor_option


@click.command()
@json_option
def vendors(as_json: bool) -> None:
    """The vendors that are simulated, and how sure we are of them."""
    _list([catalog.of_vendor(room) for room in registry.vendors().values()], as_json)


@click.command()
@json_option
def faults(as_json: bool) -> None:
    """What can go wrong."""
    _list(catalog.faults(), as_json)


@click.command()
@vendor_option
@json_option
def drift(vendors: tuple[str, ...], as_json: bool) -> None:
    """How each vendor's API changed and will change, change by change, each with its day."""
    rooms = [registry.vendor(id) for id in vendors] if vendors else registry.vendors().values()
    _list(catalog.drift(rooms), as_json)


@click.command()
@scenarios_option
@click.option("--schema", is_flag=True, help="The JSON Schema of a scenario file, for editors.")
@json_option
def scenarios(folders: tuple[Path, ...], schema: bool, as_json: bool) -> None:
    """The situations that can be played. Files that are none are told, a line for each mistake."""
    if schema:
        click.echo(scenario_schema.as_text(), nl=False)
        return
    _list([catalog.of_scenario(one) for one in scenario.list_scenarios(folders)], as_json)


@click.command()
@click.argument("name")
@scenarios_option
@json_option
@click.pass_context
def explain(ctx: click.Context, name: str, folders: tuple[Path, ...], as_json: bool) -> None:
    """One vendor, fault, change or scenario (or check, or mutant) in full."""
    front = ctx.find_root().command
    others = (
        [front.get_command(ctx, each) for each in front.list_commands(ctx)] if isinstance(front, click.Group) else []
    )
    found = catalog.explanation(name, folders, [each for each in others if each is not None])
    click.echo(orjson.dumps(found, default=str) if as_json else catalog.told(found))


def _list(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(rows))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['name']:{width}}  {row['says']}")
