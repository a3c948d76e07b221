"""Faces for the libraries that people use already; each module is loaded when it is asked for."""
