"""A small, correct integration: reads a patient's record from Epic, Cerner and athena into canonical records.

It knows the vendors by their documentation only, and nothing of the simulator or of the harness that judges it.
`mutants` are its named bugs: each check of the catalogue must be able to see one.
"""

__version__ = "0.1.0"
