"""From a name to a texture."""

from inng_bench.textures.catalogue import Kind, find_texture
from inng_bench.textures.texture import Texture


def load_texture(name: str) -> Texture:
    """Return a texture of the catalogue, always the same pixels for the same name.

    Raises
    ------
    InputError
        When there is none of this name (with the nearest right one), or its file is not on this machine.
    """
    info = find_texture(name)
    # Imported on use, so that listing the catalogue stays fast.
    if info.kind is Kind.PROCEDURAL:
        from inng_bench.textures.procedural import procedural_texture

        return procedural_texture(info)
    if info.kind is Kind.PAPER:
        from inng_bench.textures.paper import paper_texture

        return paper_texture(info)
    from inng_bench.textures.natural import natural_texture

    return natural_texture(info)
