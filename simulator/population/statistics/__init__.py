"""What a population looks like from outside: counts, shares and means of a sample of charts, beside what is published.

One pass over the charts, each forgotten as soon as it is counted: a hundred thousand patients need no more memory than
a hundred. `digest` reduces a chart to what is counted, `figures` compares with the published table, `tally` counts the
rest, `estimate` says how sure a sample can be.
"""

from __future__ import annotations

from simulator.population.statistics.tally import Survey, survey

__all__ = ["Survey", "survey"]
