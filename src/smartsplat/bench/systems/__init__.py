"""The systems that the paper compares itself with, each a module, on the operator of ``smartsplat.torch``.

These modules alone of the bench import PyTorch (the extra ``torch``). docs/reproducing.md lists for each what its
recipe is and where this renderer differs from the one that it was published with.
"""
