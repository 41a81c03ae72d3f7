"""Heads: from an encoder's maps to one logit a class."""
