"""Stages: pack, train, predict, tag, score, report; one file each, told from top to bottom."""
