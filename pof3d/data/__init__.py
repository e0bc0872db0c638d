"""Data sets: procedural ones, and image folders in the layout that EG3D's and PoF3D's users have."""

from pof3d.data.folder import ImageFolder
from pof3d.data.make import MakeData, make_toy_set
from pof3d.data.writer import DatasetWriter

__all__ = ["DatasetWriter", "ImageFolder", "MakeData", "make_toy_set"]
