"""Where clips and labels come from: one class a layout."""
