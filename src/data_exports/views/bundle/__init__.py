"""A bundle of evidence for people: its page, its README, its programs, and what the commands say of it."""
