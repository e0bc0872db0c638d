"""Volume rendering of a tri-plane field."""
