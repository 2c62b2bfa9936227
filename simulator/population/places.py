"""Where people live, and where and by whom they are treated: addresses that hang together, facilities over states and
time zones, practitioners."""

from __future__ import annotations

from simulator.ids import Stream
from simulator.population import tables
from simulator.population.names import ORIGINS, families_of, middle_name
from simulator.population.ranks import Slots
from simulator.population.records import Address, Facility, Practitioner

_STATES = {state.code: (index, state) for index, state in enumerate(tables.STATES)}
_STATE_SLOTS = Slots(state.weight for state in tables.STATES)
_FIRST_ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles", "America/Phoenix")


def make_address(state: str, draw: int, use: str = "home") -> Address:
    """The address in `state` that `draw` (64 bits) stands for. City, state and ZIP belong together; the streets of the
    cities are made up."""
    index, row = _STATES[state]
    draw, city = divmod(draw, len(tables.CITIES))
    draw, street = divmod(draw, len(tables.STREETS))
    draw, house = divmod(draw, 9_800)
    draw, flat = divmod(draw, 400)
    zip3 = row.zip3[(city * 7 + index) % len(row.zip3)]
    lines = [f"{house + 100} {tables.STREETS[street]}"]
    if flat < 100:
        lines.append(f"Apt {flat // 4 + 1}{'ABCD'[flat % 4]}")
    return Address(tuple(lines), tables.CITIES[city], state, f"{zip3}{draw % 98 + 1:02d}", use)


def facilities(key: bytes, size: int) -> tuple[Facility, ...]:
    """The facilities of a population: one for every 50,000 patients, at least four, at most five hundred. The first
    four lie in four time zones, one of them without daylight saving time."""
    return tuple(_facility(key, index) for index in range(max(4, min(500, size // 50_000))))


def _facility(key: bytes, index: int) -> Facility:
    stream = Stream(key, index, "facility", 6)
    draw = stream.u64()
    if index < len(_FIRST_ZONES):
        choices = [state for state in tables.STATES if state.zone == _FIRST_ZONES[index]]
        slots = Slots(state.weight for state in choices)
        state = choices[slots.pick((draw * slots.total) >> 64)]
    else:
        state = tables.STATES[_STATE_SLOTS.pick((draw * _STATE_SLOTS.total) >> 64)]
    address = make_address(state.code, stream.u64(), "work")
    name = f"{address.city} {tables.CLINICS[stream.below(len(tables.CLINICS))]}"
    phone = f"+1{tables.AREA_CODES[stream.below(len(tables.AREA_CODES))]}555{stream.below(10_000):04d}"
    return Facility(index, name, state.zone, Address(address.lines[:1], *_rest(address)), phone)


def _rest(address: Address) -> tuple[str, str, str, str]:
    return address.city, address.state, address.zip, address.use


_SUFFIXES = ("MD", "MD", "MD", "MD", "MD", "DO", "NP", "PA")


def practitioner_of(key: bytes, index: int, npi: int) -> Practitioner:
    """The practitioner of that index; `npi` are the eight digits that are this one's own."""
    stream = Stream(key, index, "practitioner", 4)
    families = families_of(0)
    family = families.slots.pick(stream.below(families.slots.total))
    draw = stream.u64()
    given = middle_name("FM"[draw & 1], 3 + draw % 5, ORIGINS[families.origins[family]], draw >> 8)  # born 1960 to 2000
    suffix = _SUFFIXES[stream.below(len(_SUFFIXES))]
    nine = f"9{npi:08d}"
    return Practitioner(index, families.names[family], given, nine + npi_check_digit(nine), suffix)


def npi_check_digit(first_nine: str) -> str:
    """The tenth digit of an NPI: Luhn over 80840 and the first nine. Source: CMS NPI check digit calculation."""
    total = 24  # what the prefix 80840 adds
    for place, digit in enumerate(first_nine):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
