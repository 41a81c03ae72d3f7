"""The generated data set of ``earmark demo``: sounds by formula, recorded badly on purpose, labelled as carelessly as the real thing."""
