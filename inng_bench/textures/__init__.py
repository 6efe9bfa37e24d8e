"""Where images come from: natural photographs, procedural textures, the paper's pictures, and one's own."""

from inng_bench.textures.catalogue import Kind, Role, TextureInfo, find_texture, texture_infos, texture_names
from inng_bench.textures.conversion import to_pixels, to_tensor
from inng_bench.textures.loading import load_texture
from inng_bench.textures.own import load_own_texture, own_texture_name
from inng_bench.textures.texture import Texture
from inng_bench.textures.windows import Box

__all__ = [
    "Box",
    "Kind",
    "Role",
    "Texture",
    "TextureInfo",
    "find_texture",
    "load_own_texture",
    "load_texture",
    "own_texture_name",
    "texture_infos",
    "texture_names",
    "to_pixels",
    "to_tensor",
]
