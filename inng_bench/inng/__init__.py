"""Introspective neural networks for generative modeling (Lazarow, Jin, Tu; ICCV 2017), the reference implementation.

``algorithm`` is the method from top to bottom, over the plain data of ``state``. Around it: ``network`` (a classifier
C_t in training), ``frozen`` (C_t as the sampler uses it), ``windows`` and ``dense`` (what a step reads of a canvas, and
the gradient of its logits), ``prior`` with its ``linear_prediction`` (p0, and how likely it holds a picture),
``preconditioner`` (the coordinates of a step), ``negatives`` (what a classifier is trained against), ``presets`` (every
choice as a field), ``alternatives`` (what the choices stand for), ``costs`` (what a training takes), ``resume`` (a
training as a snapshot), ``method`` (what the suite sees). Nothing here knows of suites, metrics or records.
"""
