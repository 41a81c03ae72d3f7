"""Encoders: one class a kind, each saying what it takes and what it gives."""
