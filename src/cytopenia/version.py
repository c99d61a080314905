"""The version of the package, below everything that prints it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
