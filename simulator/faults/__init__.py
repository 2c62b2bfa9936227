"""What goes wrong: decided before a request is handled, seeded, written down. `kinds/` holds one fault a file."""
