"""The built wheel works alone: what is shipped is enough, and tests and fixtures are not shipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(unpacked: Path, *argv: str) -> str:
    """What the command line says when the wheel's content is all that is found of us."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-P", "-m", "simulator", *argv]
    done = subprocess.run(command, env=environment, cwd=unpacked.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_only_the_four_packages_are_shipped(unpacked: Path) -> None:
    shipped = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert shipped == {"simulator", "conformance", "scenarios", "loadtests"}
    assert list(unpacked.rglob("test_*.py")) == []


@pytest.mark.slow
def test_the_shipped_data_is_found(unpacked: Path) -> None:
    found = run(unpacked, "render", "--vendor", "cerner", "--type", "Patient", "--count", "1", "--patients", "1000")
    assert json.loads(found)["resourceType"] == "Patient"
    assert len(json.loads(run(unpacked, "scenarios", "--json"))) > 5


@pytest.mark.slow
def test_the_shipped_judge_judges(unpacked: Path, tmp_path: Path) -> None:
    said = run(
        unpacked, "check", "--reference", "--vendor", "epic", "--only", "AUTH-05", "--report", str(tmp_path / "report"),
    )  # fmt: skip
    assert "AUTH-05" in said
    assert (tmp_path / "report" / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
