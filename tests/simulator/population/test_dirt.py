"""Dirt: rates are settings, given by a word, a file or a mapping; nonsense is refused with a way out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from simulator.population.dirt import MOST_SECOND_REGISTRATIONS, Dirt
from simulator.refusal import UsageError


def test_none_is_no_defect_of_any_kind() -> None:
    assert set(asdict(Dirt.none()).values()) == {0}
    assert Dirt.of("none") == Dirt.none()


def test_heavy_is_nowhere_less_than_the_default() -> None:
    usual, heavy = asdict(Dirt()), asdict(Dirt.of("heavy"))
    assert all(heavy[name] >= rate for name, rate in usual.items())
    assert heavy["second_registration"] == 5 * usual["second_registration"]


def test_a_file_or_a_mapping_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "dirt.toml"
    path.write_text("second_registration = 50_000\nno_email = 0\n", encoding="utf-8")
    wanted = replace(Dirt(), second_registration=50_000, no_email=0)
    assert Dirt.of(str(path)) == wanted
    assert Dirt.of({"second_registration": 50_000, "no_email": 0}) == wanted
    assert Dirt.of(None) == Dirt.of("default") == Dirt()


@pytest.mark.parametrize(
    ("wish", "says", "hint"),
    [
        ("heavyy", 'not a degree of dirt, and no file: "heavyy"', "none, default, heavy, or a TOML file"),
        ({"second_registrations": 1}, 'unknown kind of defect "second_registrations"', '"second_registration"'),
        ({"merged": -1}, "dirt.merged: not a rate per million: -1", f"{MOST_SECOND_REGISTRATIONS:,}"),
        ({"free_text": 1_000_001}, "dirt.free_text: not a rate per million: 1000001", "1,000,000"),
        ({"free_text": 0.04}, "dirt.free_text: not a rate per million: 0.04", "a whole number"),
        ({"free_text": True}, "dirt.free_text: not a rate per million: True", "a whole number"),
    ],
)
def test_nonsense_is_refused_with_a_way_out(wish: object, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Dirt.of(wish)  # type: ignore[arg-type]
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dirt.toml"
    path.write_text("second_registration: 3", encoding="utf-8")
    with pytest.raises(UsageError, match=r"dirt\.toml"):
        Dirt.of(str(path))
