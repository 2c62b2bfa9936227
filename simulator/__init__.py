"""The EMR servers: one seeded truth, many vendor dialects, everything written down. Knows nothing of `conformance`."""

__version__ = "0.1.0"
