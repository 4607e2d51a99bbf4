"""Write, check and read back a session as one ZIP."""
