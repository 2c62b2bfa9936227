"""The journal: what was asked and answered, append-only, bounded, queryable, streamable."""
