"""UCUM units, as far as the analytes and vital signs need them: from one to another, by quantity or by analyte."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal
from functools import cache

from simulator.population import tables

_ARITHMETIC = Context(prec=34)
_PREFIXES = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_SIMPLE: dict[str, tuple[str, str]] = {  # unit -> dimension, size
    "[lb_av]": ("mass", "453.59237"),
    "[oz_av]": ("mass", "28.349523125"),
    "[in_i]": ("length", "2.54"),
    "[ft_i]": ("length", "30.48"),
    "mm[Hg]": ("pressure", "1"),
    "kPa": ("pressure", "7.500616827"),
    "min": ("time", "60"),
    "h": ("time", "3600"),
    "d": ("time", "86400"),
    "%": ("share", "0.01"),
    "1": ("share", "1"),
    "10*3": ("count", "1e3"),
    "10*6": ("count", "1e6"),
    "10*9": ("count", "1e9"),
    "10*12": ("count", "1e12"),
    "": ("count", "1"),
    "U": ("enzyme", "1"),
    "kU": ("enzyme", "1000"),
    "[IU]": ("international", "1"),
    "[iU]": ("international", "1"),
    "m[IU]": ("international", "0.001"),
    "u[IU]": ("international", "0.000001"),
    "k[IU]": ("international", "1000"),
    "kg/m2": ("body mass index", "1"),
}
_PREFIXED = {"g": ("mass", 0), "m": ("length", 2), "L": ("volume", 0), "l": ("volume", 0), "mol": ("substance", 0)}
_PREFIXED_TIME = {"s": ("time", 0)}

SPELLINGS = {
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "oz": "[oz_av]",
    "in": "[in_i]",
    "inches": "[in_i]",
    "degF": "[degF]",
    "F": "[degF]",
    "°F": "[degF]",
    "degC": "Cel",
    "C": "Cel",
    "°C": "Cel",
    "mmHg": "mm[Hg]",
    "mm Hg": "mm[Hg]",
    "bpm": "/min",
    "beats/min": "/min",
    "breaths/min": "/min",
    "K/uL": "10*3/uL",
    "10^3/uL": "10*3/uL",
    "10*3/mm3": "10*3/uL",
    "M/uL": "10*6/uL",
    "10^6/uL": "10*6/uL",
    "10^9/L": "10*9/L",
    "10^12/L": "10*12/L",
    "IU/L": "[IU]/L",
    "mIU/L": "m[IU]/L",
    "uIU/mL": "u[IU]/mL",
    "mcg/dL": "ug/dL",
    "mcg/mL": "ug/mL",
    "mL/min/1.73m2": "mL/min/{1.73_m2}",
    "kg/m^2": "kg/m2",
}
"""What people write for some UCUM units."""


def convert(number: Decimal, source: str, target: str, key: str = "") -> Decimal | None:
    """`number` of `source` told in `target`; None when nothing leads from one to the other. `key` is the analyte (row
    of labs.csv): between mass and substance only it knows the factor."""
    if source == target:
        return number
    for into, out in _bridges(key):
        middle = _linear(number, source, into) if into != source else number
        if middle is not None:
            crossed = _affine(middle, into, out, key)
            end = _linear(crossed, out, target) if out != target else crossed
            if end is not None:
                return end
    return _linear(number, source, target)


def factors(key: str, unit: str | None) -> dict[str, Decimal]:
    """Ratios by which careless hands get the number of an analyte wrong, by what they confuse."""
    known = {name: Decimal(text) for name, text in _CONFUSIONS.items()}
    row = tables.LABS.get(key)
    if row is not None and row.alt_unit and _is_number(row.alt_factor):
        known[f"{row.unit} and {row.alt_unit}"] = Decimal(row.alt_factor)
    return known


_CONFUSIONS = {
    "a thousand": "1000",
    "a million": "1000000",
    "a hundred": "100",
    "ten": "10",
    "kg and lb": "2.2046226",
    "oz and g": "28.349523",
    "in and cm": "2.54",
    "mg/dL and mmol/L of glucose": "18.018",
    "mg/dL and mmol/L of cholesterol": "38.67",
    "mg/dL and umol/L of creatinine": "88.4",
    "mmHg and kPa": "7.5006",
}


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _bridges(key: str) -> Iterator[tuple[str, str]]:
    """Unit pairs between which a formula leads, both ways."""
    yield "Cel", "[degF]"
    yield "[degF]", "Cel"
    row = tables.LABS.get(key)
    if row is not None and row.unit and row.alt_unit:
        yield row.unit, row.alt_unit
        yield row.alt_unit, row.unit


def _affine(number: Decimal, source: str, target: str, key: str) -> Decimal:
    c = _ARITHMETIC
    if (source, target) == ("Cel", "[degF]"):
        return c.add(c.multiply(number, Decimal("1.8")), Decimal(32))
    if (source, target) == ("[degF]", "Cel"):
        return c.divide(c.subtract(number, Decimal(32)), Decimal("1.8"))
    row = tables.LABS[key]
    if key == "a1c":  # NGSP and IFCC: 10.929 * (x - 2.15)
        slope, offset = Decimal("10.929"), Decimal("2.15")
        if source == row.unit:
            return c.multiply(c.subtract(number, offset), slope)
        return c.add(c.divide(number, slope), offset)
    factor = Decimal(row.alt_factor)
    return c.multiply(number, factor) if source == row.unit else c.divide(number, factor)


def _linear(number: Decimal, source: str, target: str) -> Decimal | None:
    one, other = _size(source), _size(target)
    if one is None or other is None or one[0] != other[0]:
        return None
    return _ARITHMETIC.divide(_ARITHMETIC.multiply(number, one[1]), other[1])


@cache
def _size(unit: str) -> tuple[tuple[str, ...], Decimal] | None:
    """The dimension of a unit and how many base units it is; None for a unit that we do not know."""
    if unit in _SIMPLE:
        dimension, size = _SIMPLE[unit]
        return (dimension,), Decimal(size)
    if "/" in unit:
        above, _, below = unit.partition("/")
        one, other = _size(above), _size(below)
        if one is None or other is None:
            return None
        return (*one[0], "per", *other[0]), _ARITHMETIC.divide(one[1], other[1])
    for base, (dimension, exponent) in (_PREFIXED | _PREFIXED_TIME).items():
        prefix = unit.removesuffix(base)
        if unit.endswith(base) and prefix in _PREFIXES:
            return (dimension,), Decimal(1).scaleb(_PREFIXES[prefix] + exponent)
    if unit.startswith("{") and unit.endswith("}"):
        return (unit,), Decimal(1)
    return None
