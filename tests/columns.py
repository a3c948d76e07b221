"""Comparisons column by column: each parameter has its own unit, and a fault in a weak one must show."""

import numpy as np


def assert_columns_close(actual, expected, tolerance, least=0.0):
    """Each column [N, P] within its tolerance, relative to its own Euclidean norm.

    Args:
        actual: to be judged.
        expected: what it should be.
        tolerance: one number, or one for each column.
        least: norm that a column has at least, for those that should be zero.
    """
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    norms = np.maximum(np.linalg.norm(expected, axis=0), least)
    errors = np.linalg.norm(actual - expected, axis=0)
    assert (norms > 0).all(), f"columns without anything to compare with: {norms}"
    assert (errors <= tolerance * norms).all(), f"relative errors {errors / norms}, allowed {tolerance}"
