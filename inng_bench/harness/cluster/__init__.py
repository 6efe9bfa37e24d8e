"""Runs on more than one machine, through Dask's scheduler and workers (``pip install inng-bench[cluster]``).

The scheduler holds no truth: a run is done when its record lies in the results folder, and the same command again runs
what is missing. A worker serves a request as this machine does, in a process of its own, so that its heartbeat goes on.

``site``     what must be the same on both sides, and how it differs
``parcel``   files as one piece of bytes with their hashes
``job``      what a worker is asked and answers, as JSON
``worker``   what happens on a worker
``executor`` hands out requests, follows them, takes their parcels in
``connect``  which cluster, and whether its connections may be trusted
"""
