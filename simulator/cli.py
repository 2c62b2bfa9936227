"""The front door: the command `emr-sandbox`. Data on stdout, talk on stderr; errors in one line, with a way out."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import os
import shlex
import sys
import traceback
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NoReturn

import click

import simulator
from simulator.refusal import UsageError

GROUP = "emr_sandbox.commands"
_OWN = {
    "drift": "lists",
    "explain": "lists",
    "faults": "lists",
    "render": "render",
    "scenarios": "lists",
    "serve": "serve",
    "token": "ask",
    "truth": "truth",
    "url": "ask",
    "vendors": "lists",
}
"""The module of each of our own commands in `simulator.commands`."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit."""
    raise SystemExit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run one command; gives the exit code: the command's own, 4 for what the user got wrong, 3 for our own defects."""
    try:
        _warn_of_shadows()
        done = front_door.main(list(argv), prog_name="emr-sandbox", standalone_mode=False)
    except UsageError as flaw:
        return _refuse(flaw.message, flaw.hint, flaw.exit_code)
    except click.UsageError as flaw:
        where = flaw.ctx.command_path if flaw.ctx is not None else "emr-sandbox"
        return _refuse(flaw.format_message().rstrip("."), f"{where} --help", UsageError.exit_code)
    except click.ClickException as flaw:
        return _refuse(flaw.format_message(), "", UsageError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ReaderGone:
        return _reader_is_gone()
    except Exception as flaw:  # noqa: BLE001 - the last place where a defect of ours can be told with what repeats it
        return _defect(flaw, argv)
    return done if isinstance(done, int) else 0


def _refuse(message: str, hint: str, code: int) -> int:
    click.echo(message + (f"\n\nhint: {hint}" if hint else ""), err=True)
    return code


def _defect(flaw: BaseException, argv: Sequence[str]) -> int:
    traceback.print_exception(flaw)
    click.echo(f"this is a defect of emr-sandbox; to repeat it: {shlex.join(['emr-sandbox', *argv])}", err=True)
    return 3


def _reader_is_gone() -> int:
    """Whoever read our output has enough (`| head`): no reason for a traceback, now or at the interpreter's end.

    The exit code is that of a process that SIGPIPE ended: a verdict that nobody read to its end is not a green one.
    """
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141  # 128 + SIGPIPE


def _warn_of_shadows() -> None:
    """Our packages have plain names: say so in one sentence when a folder of the user's stands before one of them."""
    home = Path(simulator.__file__).resolve().parent.parent
    for name in ("conformance", "scenarios"):
        found = importlib.util.find_spec(name)
        if found is None or not found.submodule_search_locations:
            continue
        place = Path(next(iter(found.submodule_search_locations))).resolve()
        if place.parent != home:
            click.echo(f"`{name}` is found at {place}, which hides the one of emr-sandbox beside {home}", err=True)


class ReaderGone(Exception):
    """Nobody reads our output any more."""


class FrontDoor(click.Group):
    """Our own commands, and those that packages above add. Each is loaded when somebody asks for it: `token` and `url`,
    of which a script calls many, need no server."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as flaw:  # click would make exit code 1 of it, which means "something failed"
            raise ReaderGone from flaw
        return done

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_OWN, *_added_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _own_command(cmd_name) if cmd_name in _OWN else _added_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = self.list_commands(ctx)
            near = difflib.get_close_matches(args[0], known, n=1)
            raise UsageError(
                f'unknown command "{args[0]}"; known: {", ".join(known)}', f'did you mean "{near[0]}"?' if near else ""
            )
        return super().resolve_command(ctx, args)


def _own_command(name: str) -> click.Command:
    command: click.Command = getattr(import_module(f"simulator.commands.{_OWN[name]}"), name)
    return command


@cache
def _added_commands() -> dict[str, click.Command]:
    return {str(command.name): command for point in entry_points(group=GROUP) for command in _commands_of(point)}


def _commands_of(point: EntryPoint) -> Iterable[click.Command]:
    """The commands of one entry point: a list, or a callable that gives one."""
    try:
        loaded = point.load()
    except ImportError as flaw:
        click.echo(f"the commands of `{point.value}` are missing: {flaw}", err=True)
        return ()
    made: Iterable[click.Command] = loaded() if callable(loaded) else loaded
    return made


@click.group(cls=FrontDoor, no_args_is_help=False, invoke_without_command=True)
@click.version_option(simulator.__version__, message="%(version)s")
@click.pass_context
def front_door(ctx: click.Context) -> None:
    """Mock Epic, Oracle Health (Cerner) and athenahealth servers with one known truth, and a judge for integrations."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
