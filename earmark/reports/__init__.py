"""Tables, figures and self-contained HTML about a run: functions of predictions, truth and a run's history."""
