"""Training of PoF3D networks."""
