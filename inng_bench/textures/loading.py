"""From a name to a texture."""

from pathlib import Path

from inng_bench.textures.catalogue import Kind, find_texture
from inng_bench.textures.texture import Texture


def load_texture(name: str) -> Texture:
    """Return a texture of the catalogue, always the same pixels for the same name.

    Parameters
    ----------
    name : str
        One of :func:`inng_bench.textures.texture_names`.

    Returns
    -------
    Texture
        Its train window and its held-out windows.

    Raises
    ------
    InputError
        When there is none of this name (with the nearest right one), or its file is not on this machine.

    Examples
    --------
    >>> grass = load_texture("grass")
    >>> grass.train.shape, len(grass.held_out)
    ((256, 256, 3), 3)
    >>> load_texture("gras")
    Traceback (most recent call last):
    inng_bench.errors.InputError: no texture is called 'gras'; did you mean 'grass'? ...
    """
    info = find_texture(name)
    # Imported on use, so that listing the catalogue stays fast.
    if info.kind is Kind.PROCEDURAL:
        from inng_bench.textures.procedural import procedural_texture

        return procedural_texture(info)
    if info.kind is Kind.PAPER:
        from inng_bench.textures.paper import paper_texture

        return paper_texture(info)
    if info.kind is Kind.SET:
        from inng_bench.textures.sets.bundled import bundled_set

        return bundled_set(info)
    from inng_bench.textures.natural import natural_texture

    return natural_texture(info)


def is_own_set(path: Path) -> bool:
    """Say whether a path is that of many pictures: a folder, or an archive by its name."""
    from inng_bench.textures.sets.archives import is_archive

    return path.is_dir() or is_archive(path)


def load_own(
    path: Path,
    *,
    scale: float | None = None,
    one_texture: bool = False,
    side: int | None = None,
    pass_over: bool = False,
) -> Texture:
    """Return what lies at a path: a picture's texture, that of a folder's photographs, or a folder or archive as a set.

    Parameters are those of :func:`inng_bench.textures.own.load_own_texture`, and of
    :func:`inng_bench.textures.sets.folder.load_folder` for sets; ``one_texture`` says that a folder is none.
    """
    if path.is_dir() and one_texture:
        from inng_bench.textures.photographs import load_photographs

        return load_photographs(path, scale)
    if is_own_set(path):
        from inng_bench.textures.sets.folder import load_folder

        return load_folder(path, side=side, pass_over=pass_over)
    from inng_bench.textures.own import load_own_texture

    return load_own_texture(path, scale)
