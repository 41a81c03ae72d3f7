"""earmark learns to tag sounds from a little trusted labelling and a lot of hearsay."""
