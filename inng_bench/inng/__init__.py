"""Introspective neural networks for generative modeling (Lazarow, Jin, Tu; ICCV 2017), the reference implementation.

Read top to bottom: ``choices`` (where paper and code differ), ``network`` (a classifier C_t in training), ``frozen``
(C_t as the sampler uses it), ``field`` (the windows of a canvas and the gradient of their logits), ``preconditioner``
(the coordinates of a step), ``langevin`` (how samples climb), ``prior`` with its ``linear_prediction`` (where they
begin, and how likely p0 holds a picture), ``negatives`` (what a classifier is trained against), ``presets`` (every
choice as a field), ``learning`` (what a classifier minimises), ``synthesis`` (noise through C_1..C_T), ``costs`` (what
a training takes), ``cascade`` (the algorithm), ``method`` (what the suite sees). Nothing here knows of suites, metrics
or records.
"""
