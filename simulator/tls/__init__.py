"""TLS: the local authority, the certificates good and bad, the listeners that show them. No vendor, no HTTP."""
