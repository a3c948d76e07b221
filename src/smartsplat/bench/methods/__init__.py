"""What the paper's tables compare, behind one interface: SmartSplat's presets, the compared systems, other codecs."""
