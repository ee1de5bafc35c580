"""What stored results say of each other; pure functions on rows, without torch."""
