"""Locust files, one load scenario each; the module's docstring is what `emr-sandbox load` prints of it."""
