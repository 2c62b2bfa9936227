"""The checks, one file an area, one function a check."""
