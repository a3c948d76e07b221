"""What runs on the device, in Triton: compiled at its first use, for whatever card is there.

Everything in here is deterministic: no sum depends on the order in which programs run, for none is made by atomic
additions of floats. Kernels are launched by ``smartsplat.gpu.launch`` alone, which gives them TILE and the like.
"""
