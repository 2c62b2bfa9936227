"""`python -m simulator`: the same as `emr-sandbox`."""

from simulator.cli import main

main()
