"""What several encoders are built of; each keeps padding at zero and says how many frames are left."""
