"""Situations, one TOML file each; `FOLDER` is where they lie."""

from importlib.resources import files

FOLDER = files("scenarios")
