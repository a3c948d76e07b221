"""Comparison of SmartSplat with other codecs: rows of data first, tables and plots from the rows."""
