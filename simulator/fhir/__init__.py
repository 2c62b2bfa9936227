"""FHIR R4 mechanics on plain dicts and bytes, without a vendor."""
