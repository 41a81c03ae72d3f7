"""The generated data set of ``earmark demo``: sounds by formula, recorded badly and labelled carelessly on purpose."""
