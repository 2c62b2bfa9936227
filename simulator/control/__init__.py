"""The control API `/_sandbox`: one file a noun."""
