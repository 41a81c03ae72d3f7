"""Know your data: what lies in a collection of clips, measured before anything is trained on it."""
