"""OAuth 2, SMART scopes, keys, Basic and Bearer: mechanics without I/O and without a vendor."""
