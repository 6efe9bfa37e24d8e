"""Where images come from: natural photographs, procedural textures, the paper's pictures, and one's own."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inng_bench.textures.catalogue import (
        Kind,
        Role,
        TextureInfo,
        find_texture,
        set_infos,
        texture_infos,
        texture_names,
    )
    from inng_bench.textures.conversion import to_pixels, to_tensor
    from inng_bench.textures.loading import is_own_set, load_own, load_texture
    from inng_bench.textures.own import load_own_texture, own_texture_name
    from inng_bench.textures.photographs import load_photographs
    from inng_bench.textures.sets.folder import load_folder
    from inng_bench.textures.texture import Texture
    from inng_bench.textures.windows import Box

__all__ = [
    "Box",
    "Kind",
    "Role",
    "Texture",
    "TextureInfo",
    "find_texture",
    "is_own_set",
    "load_folder",
    "load_own",
    "load_own_texture",
    "load_photographs",
    "load_texture",
    "own_texture_name",
    "set_infos",
    "texture_infos",
    "texture_names",
    "to_pixels",
    "to_tensor",
]

_PLACES = {
    "Box": "windows",
    "Texture": "texture",
    "is_own_set": "loading",
    "load_folder": "sets.folder",
    "load_own": "loading",
    "load_own_texture": "own",
    "load_photographs": "photographs",
    "load_texture": "loading",
    "own_texture_name": "own",
    "to_pixels": "conversion",
    "to_tensor": "conversion",
}


def __getattr__(name: str) -> Any:
    """Import on use: the catalogue should come at once, without numpy."""
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES.get(name, 'catalogue')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
