"""Sequences of stages: an outline that is written down first and carried out then, as often as it takes."""
