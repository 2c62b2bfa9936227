"""The rooms: one folder a vendor."""
