"""Stages: prepare, train, tag, score, report; one file each, told from top to bottom, and the recipe they share."""
