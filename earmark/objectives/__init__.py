"""What a training minimises: a named sum of terms, each on the streams it names."""
