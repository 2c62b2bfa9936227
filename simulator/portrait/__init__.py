"""The portrait of a population: a survey as a table in the terminal, and as one page with plots."""
