"""The truth: who the patients are and what is so about them. Knows medicine and chance; no vendor, no HTTP."""
