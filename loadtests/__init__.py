"""Load scenarios for Locust with budgets that can fail, and the side-by-side benchmark."""
