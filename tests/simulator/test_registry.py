"""Rooms are found, not listed."""

from __future__ import annotations

import pytest

from simulator import registry
from simulator.catalog import rooms_of
from simulator.refusal import UsageError
from simulator.settings import Settings
from tests.simulator.tiny_room import tiny


def test_the_rooms_of_the_house_are_found() -> None:
    assert {"athena", "cerner", "epic"} <= set(registry.vendors())
    assert registry.vendor("epic") is registry.vendors()["epic"]


def test_an_unknown_vendor_is_met_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError) as caught:
        registry.vendor("epik")
    assert caught.value.message.startswith('unknown vendor "epik"; known: athena, cerner, epic')
    assert caught.value.hint == 'did you mean "epic"?'


def test_rooms_at_hand_stand_beside_and_before_those_that_are_found() -> None:
    mine = tiny("epic")
    assert rooms_of(Settings(rooms=(mine,)))["epic"] is mine
    assert list(rooms_of(Settings(vendors=("cerner", "mine"), rooms=(tiny("mine"),)))) == ["cerner", "mine"]
