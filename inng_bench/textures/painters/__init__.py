"""One file a procedural texture: from a size and a generator to levels."""
