"""The slots at any hour, both ways: the cells of a window hold the slots that lie in it, also where clocks change."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from simulator.population.lanes import AnyHourLane, first_day, period_of, share_of_day
from simulator.population.zones import DAY, clock_changes, local_minute

PATIENTS = 400
SPRING, AUTUMN = clock_changes(2025)
SUMMER = date(2025, 7, 2).toordinal()


@pytest.mark.parametrize("zone", ["America/New_York", "America/Phoenix", "America/Los_Angeles"])
@pytest.mark.parametrize("day", [SPRING, SUMMER, AUTUMN])
@pytest.mark.parametrize("step", [7, 61, 5_000])
def test_windows_one_after_the_other_hold_every_slot_once(zone: str, day: int, step: int) -> None:
    lane, period = AnyHourLane(b"lane", PATIENTS), period_of(day)
    slots = {
        (one, number): lane.slot(one, number, zone)
        for one in (period - 1, period, period + 1)
        for number in range(PATIENTS)
    }
    first, until = (day - 2) * DAY + 13, (day + 3) * DAY
    until -= (until - first) % step
    found: Counter[tuple[int, int]] = Counter()
    for low in range(first, until, step):
        for cells in lane.cells(low, low + step, zone):
            for _, number in lane.among(cells):
                assert low <= slots[cells.period, number] < low + step
                found[cells.period, number] += 1
    assert set(found.values()) == {1}
    assert found.keys() == {slot for slot, minute in slots.items() if first <= minute < until}


def test_the_slots_of_a_day_are_where_their_shares_say() -> None:
    lane, period, zone = AnyHourLane(b"lane", 20_000), period_of(SUMMER), "America/Chicago"
    minutes = [local_minute(lane.slot(period, number, zone), zone) % DAY for number in range(20_000)]
    for first, until in ((0, 8 * 60), (330, 780), (11 * 60, 21 * 60), (18 * 60, 22 * 60)):
        share = sum(first <= minute < until for minute in minutes) / len(minutes)
        assert abs(share - share_of_day(first, until)) < 0.01
    assert share_of_day(0, DAY) == 1
    assert min(lane.slot(period, number, zone) for number in range(20_000)) >= first_day(period) * DAY
