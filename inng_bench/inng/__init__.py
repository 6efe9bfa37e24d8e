"""Introspective neural networks for generative modeling (Lazarow, Jin, Tu; ICCV 2017), the reference implementation.

Read top to bottom: ``network`` (a classifier C_t), ``negatives`` (the pseudo-negatives it is trained against),
``langevin`` (how its logit moves samples), ``cascade`` (the algorithm), ``presets`` (every choice as a field). Nothing
here knows of suites, metrics or records.
"""
