"""The ways in which users call it, all on one engine."""
