"""The quant's own words: types, specs and computations as frame in, frame out. No I/O."""

__version__ = "0.1.0"
__all__ = ["__version__"]
