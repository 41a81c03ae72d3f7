"""What lies where in a run's folder."""
