"""Speed measurements, always against a named baseline in the same run."""
