"""The visualizer: Views go in, Frames come out, windows show them."""
