"""The README's commands are run, and say what the README shows.

A `console` block holds lines that start with `$ ` and what they print; `…` stands for anything. `$ emr-sandbox serve`
is the server that the other blocks talk to: here on a free port, which replaces the port 8400 of the text. Blocks of
other kinds are parsed or compiled, tests are run; one that cannot run here carries `<!-- not run: reason -->` before.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.server import running
from simulator.settings import Settings

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^(?:<!-- not run: (?P<why>[^\n]+?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    why_not: str | None

    def __str__(self) -> str:
        return f"README.md:{self.line}"


def blocks() -> Iterator[Block]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start("text"))
        yield Block(found["kind"], found["text"], line, found["why"])


ALL = tuple(blocks())


def shell(command: str, folder: Path, port: str) -> str:
    """What `command` prints on both streams, in a shell that finds `emr-sandbox` first and the server at `port`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {"PATH": path, "NO_COLOR": "1", "EMR_SANDBOX_URL": f"http://127.0.0.1:{port}"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, **ours}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout


def as_pattern(shown: str) -> str:
    return ".*?".join(re.escape(part) for part in shown.strip().split("…"))


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    with running(Settings()) as server:
        yield server.url.rsplit(":", 1)[1]


@pytest.mark.slow
@pytest.mark.parametrize("block", [b for b in ALL if b.kind == "console" and b.why_not is None], ids=str)
def test_each_command_prints_what_the_readme_shows(block: Block, port: str, tmp_path: Path) -> None:
    if "curl" in block.text and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        lines = part.split("\n")
        end = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
        command = "\n".join(lines[: end + 1])
        shown = "\n".join(lines[end + 1 :])
        if command.startswith("emr-sandbox serve"):
            continue
        printed = shell(command.replace(":8400", f":{port}"), tmp_path, port).replace(f":{port}", ":8400")
        assert re.fullmatch(as_pattern(shown), printed.strip(), re.S), f"{block}: {command}\nprinted:\n{printed}"


@pytest.mark.parametrize("block", [b for b in ALL if b.kind == "toml"], ids=str)
def test_each_toml_block_is_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", [b for b in ALL if b.kind == "python"], ids=str)
def test_each_python_block_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


TESTS = [b for b in ALL if b.kind == "python" and b.text.startswith("# test_")]


@pytest.mark.slow
@pytest.mark.parametrize("block", TESTS, ids=str)
def test_each_test_that_the_readme_shows_passes(block: Block, tmp_path: Path) -> None:
    name = block.text.split("\n", 1)[0].removeprefix("# ")
    (tmp_path / name).write_text(block.text, encoding="utf-8")
    printed = shell(f"python -m pytest -q -p no:cacheprovider -n 0 {name}", tmp_path, "0")
    assert "1 passed" in printed, printed


def test_every_block_has_a_kind_that_is_tested_or_says_why_not() -> None:
    strays = [str(b) for b in ALL if b.kind not in ("console", "toml", "python", "text") and b.why_not is None]
    assert ALL
    assert strays == []
    assert {b.why_not for b in ALL if b.why_not} <= {"it is the command that runs this test", "takes a minute"}
