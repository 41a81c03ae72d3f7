"""Verdicts on doubtful labels: rules, calibration, and the manifest that comes of them. Pure functions, no files."""
