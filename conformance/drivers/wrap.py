"""Any command as integration: it gets the sandbox through its environment, and its traffic is judged (level L0)."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from conformance.catalogue import select
from conformance.collect import exchanges_of
from conformance.evidence import Case
from conformance.judge import Scope, judge
from conformance.player import PATIENTS
from conformance.record import Run
from conformance.settings import Settings
from conformance.trial import recorded
from simulator import registry
from simulator.refusal import UsageError
from simulator.sandbox import Sandbox
from simulator.server import Running, running
from simulator.settings import Settings as ServerSettings
from simulator.tls import trust

_KEPT_CLIENT = ("name", "auth", "client_id", "kid", "scopes", "token_url")


def wrapped(
    command: Sequence[str], *, vendors: Sequence[str] = (), seed: int = 7, only: Sequence[str] = (), tls: bool = False
) -> tuple[Run, int]:
    """Runs `command` against a fresh sandbox; gives the judged run and the exit code of the command.

    With `tls` the sandbox speaks HTTPS, and the environment tells the command whom to trust.

    Raises:
        UsageError: the command cannot be started, or a vendor is unknown.
    """
    rooms = registry.vendors()
    for vendor in vendors:
        if vendor not in rooms:
            raise registry.unknown(vendor, rooms)
    wanted = tuple(vendors) or tuple(registry.charting())
    settings = Settings(seed=seed)
    with running(ServerSettings(seed=seed, patients=PATIENTS, vendors=wanted, tls=tls)) as server:
        sandbox = server.sandboxes.default
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            code = _ran(command, environment_of(server, sandbox, Path(folder)))
        played = tuple(_cases(server, sandbox, began))
        seconds = time.monotonic() - began
    seen = tuple(case.vendor for case in played if case.exchanges) or wanted
    clients = {case.vendor: (str(case.client["auth"]),) for case in played}
    scope = Scope(seen, clients, declares=(), level=0, has_logs=False, is_observed=True)
    judgements = judge(select(only), played, scope, settings)
    how = ["wrap", *(["--tls"] if tls else []), "--", *command]
    run = recorded(
        judgements, played, scope, settings, how=how, name=Path(command[0]).name,
        implementation={"name": Path(command[0]).name}, seconds=seconds,
    )  # fmt: skip
    return run, code


def _ran(command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        return subprocess.run(list(command), env={**os.environ, **environment}, check=False).returncode
    except OSError as error:
        raise UsageError(f"cannot start `{command[0]}`: {error.strerror or error}") from error


def environment_of(server: Running, sandbox: Sandbox, folder: Path) -> dict[str, str]:
    """What a wrapped command finds in its environment; keys are written to files in `folder`.

    Source: contract section 6.
    """
    made = {"EMR_SANDBOX_URL": server.url}
    if server.ca_file is not None:
        made |= trust.environment_of(server.ca_file, folder)
    for vendor, site in sandbox.sites.items():
        prefix = f"EMR_{vendor.upper()}_"
        urls = site.urls(server.base_url(sandbox, vendor))
        made |= {prefix + name.upper(): url for name, url in urls.items()}
        client = next(iter(site.clients.values())).as_dict(urls.get("token_url", ""))
        made[prefix + "CLIENT_ID"] = client["client_id"]
        for name in ("client_secret", "api_key", "kid", "username", "password"):
            if client.get(name):
                made[prefix + name.upper()] = client[name]
        made |= {prefix + name.upper(): value for name, value in client.get("token_form", {}).items()}
        if client.get("private_key_pem"):
            path = folder / f"{vendor}.pem"
            path.write_text(client["private_key_pem"], encoding="ascii")
            path.chmod(0o600)
            made[prefix + "KEY_FILE"] = str(path)
    return made


def _cases(server: Running, sandbox: Sandbox, began: float) -> Iterator[Case]:
    every = exchanges_of(sandbox, "wrap", began)
    for vendor, site in sandbox.sites.items():
        urls = site.urls(server.base_url(sandbox, vendor))
        client = next(iter(site.clients.values())).as_dict(urls.get("token_url", ""))
        yield Case(
            id="wrap",
            scenario="wrap",
            family="wrap",
            vendor=vendor,
            client={key: client[key] for key in _KEPT_CLIENT if key in client},
            exchanges=tuple(x for x in every if x.vendor == vendor),
            calls=(),
        )
