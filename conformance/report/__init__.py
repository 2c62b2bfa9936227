"""How a run is told: on a terminal, as one HTML file, as JUnit XML. All are rendered from the same record."""
