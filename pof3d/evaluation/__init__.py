"""Evaluation of PoF3D networks: figures of merit and a page that shows them."""
