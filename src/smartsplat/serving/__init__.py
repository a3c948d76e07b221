"""Files of a folder over HTTP: IIIF, DeepZoom, a gallery, and the files themselves. Needs the extra ``serve``."""
